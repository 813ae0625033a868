"""Archives as they can be compared: every id is told by its place in its table."""

import re
from typing import Any

import orjson

from tests.archives.conftest import parts_of

Row = dict[str, Any]
Places = dict[str, dict[int, int]]
LEADS = {
    "category": "categories", "parent": "", "manager": "persons", "technician": "persons", "home_location": "locations",
    "company": "companies", "supplier": "suppliers", "status": "statuses", "depreciation": "depreciations",
    "field": "custom_fields", "ancestor": "locations", "mapping": "import_mappings",
}  # fmt: skip
"""Where the name of a reference does not say its table; the empty one is the row's own."""
VIEWED = {"parent_id": "assets", "location_id_in": "locations"}


def canonical(archive: bytes) -> dict[str, list[Row]]:
    """Return {table: rows} of an archive, each id replaced by its place among the ids of its table."""
    tables = {
        name.removeprefix("tables/").removesuffix(".jsonl"): [orjson.loads(line) for line in content.splitlines()]
        for name, content in parts_of(archive).items()
        if name.startswith("tables/")
    }
    places: Places = {
        name: {row["id"]: number for number, row in enumerate(rows, 1)}
        for name, rows in tables.items()
        if rows and "id" in rows[0]
    }
    return {name: [_told(name, row, places) for row in rows] for name, rows in tables.items()}


def _told(table: str, row: Row, places: Places) -> Row:
    found = {name: _place(table, name, value, places) for name, value in row.items()}
    if table == "custom_values":
        found["row_id"] = places["assets"].get(row["row_id"])
    if table in ("activity", "import_kept"):
        found["item_id"] = places.get(row["item_type"], {}).get(row["item_id"])
    if table == "activity":
        changes = row["changes"].items()
        found["changes"] = {_field(n, places): [_place(row["item_type"], n, v, places) for v in p] for n, p in changes}
    if table == "import_rows":
        found["item_id"] = places["assets"].get(row["item_id"])
    if "custom" in row:
        found["custom"] = {_field(f"custom.{key}", places): value for key, value in row["custom"].items()}
    for name, kind in VIEWED.items() if table == "saved_views" else ():
        found["query"] = re.sub(rf"{name}=(\d+)", lambda m, k=kind: f"{k} {places[k].get(int(m[1]))}", found["query"])
    return found


def _place(table: str, name: str, value: Any, places: Places) -> Any:
    if name == "id":
        return places.get(table, {}).get(value)
    if type(value) is not int or not name.endswith(("_id", "_key")):
        return value
    stem = name.removesuffix("_id").removesuffix("_key")
    return places.get(LEADS.get(stem, f"{stem}s") or table, {}).get(value, value)


def _field(name: str, places: Places) -> str:
    known = name.startswith("custom.")
    return f"custom.{places['custom_fields'].get(int(name.removeprefix('custom.')))}" if known else name
