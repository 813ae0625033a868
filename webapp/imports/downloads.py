"""The rows of an import as files: the file's own columns, then what becomes of each; mended, it can be sent again."""

import csv
import io
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import IO, Any

from flask import Response
from flask_babel import gettext as _

from webapp.core.context import Context, make_context
from webapp.core.custom import tailor
from webapp.core.resource import Resource, registry
from webapp.core.tenancy import new_session
from webapp.faces.export import XLSX, neutralize, sheet_title, streamed
from webapp.faces.rendering import Renderer
from webapp.imports import presenting, standing

PAGE = 1_000

Cells = list[str | int]
Lines = Iterable[Sequence[Cells]]


def rows_file(context: Context, row: Mapping[str, Any], format: str, fate: str | None, q: str) -> Response:
    """Return an import's rows of one fate or all, as `csv` or `xlsx`: cells, number, fate, problem and changes."""
    heads = [*row["headers"], _("Row"), _("Fate"), _("Problem"), _("Changes")]
    resource = tailor(context, registry.resources[row["resource"]])

    def lines(own: Context) -> Iterator[list[Cells]]:
        renderer, last = Renderer(own), -1
        while found := standing.list_rows(own, row["id"], fate=fate, q=q, after=last, per_page=PAGE):
            yield [_cells(renderer, resource, line, len(row["headers"])) for line in found]
            last = found[-1]["number"]

    return _file(context, heads, lines, f"{fate or 'rows'}-{row['id']}", format)


def kept_file(context: Context, row: Mapping[str, Any], format: str) -> Response:
    """Return all that the undo of an import kept: what, why and which fields."""

    def lines(own: Context) -> Iterator[list[Cells]]:
        last = 0
        while found := standing.list_kept(own, row["id"], after=last, per_page=PAGE):
            yield [_kept_cells(own, item) for item in found]
            last = found[-1]["id"]

    heads = [_("Kind"), _("Name"), _("Id"), _("Reason"), _("Fields")]
    return _file(context, heads, lines, f"kept-{row['id']}", format)


def _cells(renderer: Renderer, resource: Resource, line: Mapping[str, Any], width: int) -> Cells:
    cells: Cells = [str(cell) for cell in line["cells"][:width]]
    cells += [""] * (width - len(cells))
    problem = " ".join([*presenting.error_sentences(resource, line["errors"]), line["note"] or ""]).strip()
    told = presenting.diffs(renderer, resource, line) if line["fate"] in {"create", "update"} else []
    changes = "; ".join(f"{diff['label']}: {diff['old']} → {diff['new']}" for diff in told)
    return [*cells, line["number"], str(presenting.FATES[line["fate"]][0]), problem, changes]


def _kept_cells(context: Context, item: Mapping[str, Any]) -> Cells:
    told = presenting.kept_line(context, item)
    return [told["kind"], told["name"], item["item_id"], told["reason"], told["fields"]]


def _file(
    context: Context, heads: list[str], lines: Callable[[Context], Iterator[list[Cells]]], name: str, format: str
) -> Response:
    scope = context.actor.scope_location_id

    def read() -> Iterator[list[Cells]]:
        with new_session(context.organization_id, write=False, scope_location_id=scope) as session:
            yield from lines(make_context(session, context.tenant, context.actor, at=context.at))

    if format == "csv":
        return streamed(_csv(heads, read()), f"{name}.csv")
    file = tempfile.TemporaryFile()  # noqa: SIM115 the answer closes it
    _write_xlsx(heads, read(), name, file)
    response = Response(_drain(file), mimetype=XLSX)
    response.headers.set("Content-Disposition", "attachment", filename=f"{name}.xlsx")
    response.call_on_close(file.close)
    return response


def _drain(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        file.seek(0)
        while block := file.read(65_536):
            yield block


def _safe(cell: str | int) -> str | int:
    return neutralize(cell) if isinstance(cell, str) else cell


def _csv(heads: list[str], chunks: Lines) -> Iterator[bytes]:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow(map(_safe, heads))
    yield b"\xef\xbb\xbf"
    for chunk in chunks:
        writer.writerows(map(_safe, cells) for cells in chunk)
        yield buffer.getvalue().encode()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue().encode()


def _write_xlsx(heads: list[str], chunks: Lines, title: str, file: IO[bytes]) -> None:
    import xlsxwriter  # only where a workbook is made

    book = xlsxwriter.Workbook(file, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    sheet, bold = book.add_worksheet(sheet_title(title)), book.add_format({"bold": True})
    sheet.freeze_panes(1, 0)
    for column, head in enumerate(heads):
        sheet.write_string(0, column, neutralize(head), bold)
    number = 0
    for chunk in chunks:
        for cells in chunk:
            number += 1
            for column, cell in enumerate(cells):
                if isinstance(cell, int):
                    sheet.write_number(number, column, cell)
                elif cell:
                    sheet.write_string(number, column, neutralize(cell)[:32_767])
    book.close()
