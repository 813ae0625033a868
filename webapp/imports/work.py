"""One import with what reads and plans its rows, for the jobs and for whoever mends a row in the page."""

import hashlib
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select, update

from webapp.core.context import Context
from webapp.core.custom import tailor
from webapp.core.database import key_of
from webapp.core.resource import Resource, registry
from webapp.core.tenancy import CHECKED, scoped
from webapp.imports.foreseen import plan_of
from webapp.imports.mapping import columns_from_json
from webapp.imports.models import IMPORT_ROWS as ROWS
from webapp.imports.models import IMPORTS
from webapp.imports.options import options_from_json
from webapp.imports.planner import Planned, Planner
from webapp.imports.reading import RowReader
from webapp.imports.standing import is_import

LONGEST_SEARCH = 2_000

Row = dict[str, Any]


class Keys(dict[Any, int]):
    """Which row of a file has which key first, as the planner asks; remembers all keys of each row as tokens."""

    def __init__(self) -> None:
        super().__init__()
        self._tokens: dict[int, set[str]] = {}

    def setdefault(self, key: Any, number: int = 0) -> int:
        """Return the row that has a key already, which from now on is this one if there was none."""
        self._tokens.setdefault(number, set()).add(token(key))
        return super().setdefault(key, number)

    def text_of(self, number: int) -> str:
        """Return the tokens of a row as it keeps them: each between spaces."""
        found = " ".join(sorted(self._tokens.pop(number, ())))
        return f" {found} " if found else ""


def token(key: Any) -> str:
    """Return what stands for a key where rows keep theirs."""
    return hashlib.sha256(repr(key).encode()).hexdigest()[:20]


class Work:
    """One import and what reads and plans its rows."""

    def __init__(self, context: Context, row: Row) -> None:
        self.context, self.row = context, row
        self.resource: Resource = tailor(context, registry.resources[row["resource"]])
        self.columns = columns_from_json(row["columns"])
        self.options = options_from_json(row["options"])

    def reader(self) -> RowReader:
        """Return what reads the rows' cells into values."""
        return RowReader(self.resource, self.columns, self.options, self.row["findings"], self.context.tenant.currency)

    def planner(self, keys: Keys | None = None) -> Planner:
        """Return what says the rows' fates; `keys` learns what each row has to itself."""
        mapped = frozenset(name for name in self.columns.values() if name)
        planner = Planner(self.context, self.resource, self.options, mapped)
        if keys is not None:
            planner.finder.seen = keys
        return planner

    def planner_of_rows(self) -> Planner:
        """Return what plans the rows as they are kept: it knows which of them name each other."""
        planner = self.planner()
        if planner.ancestry.matters:
            mine = scoped(self.context.session, ROWS) & (ROWS.c.import_id == self.row["id"])
            query = select(ROWS.c.number, ROWS.c.cells).where(mine).order_by(ROWS.c.number)
            rows = self.context.session.execute(query, execution_options=CHECKED)
            planner.foresee(self.reader(), ((number, cells) for number, cells in rows))
        return planner

    def set(self, **values: Any) -> None:
        """Change the import's own row."""
        mine = is_import(self.context, self.row["id"])
        self.context.session.execute(update(IMPORTS).where(mine).values(values), execution_options=CHECKED)
        self.row |= values

    def described(self, planner: Planner, planned: list[Planned], keys: Keys) -> list[Row]:
        """Return planned rows as the import keeps them."""
        own = {"organization_id": self.context.organization_id, "import_id": self.row["id"]}
        own |= {"is_mended": False, "is_skipped": False, "applied_at": None}
        rows = []
        for row, found in zip(planned, planner.describe(planned), strict=True):
            kept = {
                "key_tokens": keys.text_of(found["number"]),
                "search_text": search_text(found),
                "plan": plan_of(row),
            }
            rows.append(own | found | kept)
        return rows

    def left_out(self, row: Mapping[str, Any], note: str) -> Row:
        """Return a row that somebody skips, as the import keeps it."""
        own = {name: row[name] for name in ("number", "title", "mark", "cells", "is_mended")}
        return own | {
            "organization_id": self.context.organization_id,
            "import_id": self.row["id"],
            "fate": "skip",
            **{name: {} for name in ("changes", "errors", "carried")},
            "note": note,
            "search_text": search_text(row),
            "key_tokens": "",
            "plan": None,
            "is_skipped": True,
            "item_id": None,
            "applied_at": None,
        }


def search_text(row: Mapping[str, Any]) -> str:
    """Return what a row is found by: what it is called, and its cells."""
    parts = [str(part) for part in (row["title"], row["mark"], *row["cells"]) if part != ""]
    return key_of(" ".join(parts).replace("\0", ""))[:LONGEST_SEARCH]
