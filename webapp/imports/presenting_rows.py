"""The rows of an import as its page draws them: tabs over them, files of them, lines, and the cells that are mended."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from flask import url_for
from flask_babel import gettext as _

from webapp.core.access import can
from webapp.core.resource import Resource
from webapp.faces.rendering import Renderer
from webapp.imports.mapping import columns_from_json
from webapp.imports.mending import may_mend
from webapp.imports.presenting import FATES, diffs, error_sentences, may_write, shown
from webapp.imports.targets import targets_of

Row = Mapping[str, Any]
SHOWN_OF_NEW = ("product_id", "serial_number", "location_id", "purchased_on", "purchase_cost")
"""What a row that creates something tells of it, in this order."""


def fate_tabs(renderer: Renderer, row: Row, shown: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the tabs over the rows: all, and each fate that occurs; `shown` is what is asked for: `fate`, `q`."""
    counts = row["counts"]
    total, searched = sum(counts.get(fate, 0) for fate in FATES), {k: v for k, v in shown.items() if k == "q"}
    everything = {
        "label": _("All"),
        "url": rows_url(row["id"], searched),
        "count": renderer.number(total),
        "icon": None,
    }
    tabs = [everything | {"current": "fate" not in shown}]
    for fate, (word, icon, tone) in FATES.items():
        if counts.get(fate) or fate in {"create", "update", "error"}:
            url, count = rows_url(row["id"], searched | {"fate": fate}), renderer.number(counts.get(fate, 0))
            tab = {"label": word, "url": url, "count": count, "current": shown.get("fate") == fate}
            tabs.append(tab | {"icon": icon, "tone": tone})
    return tabs


def rows_url(import_id: int, shown: Mapping[str, str]) -> str:
    """Return where the rows are that are asked for."""
    query = urlencode(shown)
    return url_for("imports.detail", import_id=import_id) + (f"?{query}" if query else "")


def downloads(row: Row, shown: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the files that the rows shown can be had as."""
    words = {"csv": (_("CSV, rows as shown"), "file-type-csv"), "xlsx": (_("Excel workbook"), "file-spreadsheet")}
    return [
        {
            "label": label,
            "icon": icon,
            "url": url_for("imports.rows_file", **{"import_id": row["id"], "format": ending, **shown}),
            "download": True,
        }
        for ending, (label, icon) in words.items()
    ]


def row_lines(
    renderer: Renderer, resource: Resource, imported: Row, rows: list[dict[str, Any]], shown: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Return the rows as the table shows them; `shown` is what was asked for, so that mending leads back there."""
    writable = may_write(renderer.context, imported)
    opens = "get" in resource.pages and can(renderer.context.actor, resource.read_permission)
    lines = []
    for row in rows:
        url = url_for(f"{resource.name}.detail", row_id=row["item_id"]) if row["item_id"] and opens else None
        mending = {"import_id": imported["id"], "number": row["number"], **shown}
        lines.append(
            {
                "id": row["number"],
                "mend_url": url_for("imports.row", **mending) if writable and may_mend(imported, row) else None,
                "line_url": url_for("imports.row", **mending | {"as": "line"}),
                "is_error": row["fate"] == "error",
                "is_mended": row["is_mended"],
                "number": renderer.number(row["number"]),
                "fate": FATES[row["fate"]],
                "title": row["title"] or row["mark"] or "—",
                "mark": row["mark"] if row["title"] else "",
                "url": url,
                "errors": error_sentences(resource, row["errors"]),
                "diffs": diffs(renderer, resource, row) if row["fate"] == "update" else [],
                "words": _words(renderer, resource, row),
                "note": row["note"] or "",
            }
        )
    return lines


def _words(renderer: Renderer, resource: Resource, row: Row) -> str:
    if row["fate"] == "unchanged":
        return _("nothing differs")
    if row["fate"] != "create":
        return ""
    told = [column for column in SHOWN_OF_NEW if column in row["changes"]]
    return ", ".join([_("new"), *(shown(renderer, resource, c, row["changes"][c][1], row) for c in told)])


@dataclass
class Cell:
    """A cell of a row that is being mended."""

    index: int
    header: str
    target: str
    value: str
    errors: list[str] = field(default_factory=list)
    autofocus: bool = False


def cells_of(resource: Resource, imported: Row, row: Row) -> tuple[list[Cell], list[str]]:
    """Return (the cells of a row that become something, each with what is wrong, and what is wrong with the whole)."""
    targets, left = targets_of(resource), dict(row["errors"])
    columns, cells = columns_from_json(imported["columns"]), []
    for index, header in enumerate(imported["headers"]):
        name = columns.get(index)
        if name not in targets:
            continue
        through = resource.names.get(name)
        found = [*left.pop(name, ()), *(left.pop(through.of, ()) if through is not None else ())]
        content = row["cells"][index] if index < len(row["cells"]) else ""
        cells.append(Cell(index, header, str(targets[name].label), str(content), found))
    first = next((cell for cell in cells if cell.errors), cells[0] if cells else None)
    if first is not None:
        first.autofocus = True
    return cells, error_sentences(resource, left)
