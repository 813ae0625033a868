"""Rows mended by hand: other cells, or skipped; each is planned again at once, against the whole file."""

from collections.abc import Mapping
from math import isfinite
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import or_, select, update

from webapp.core.context import Context
from webapp.core.database import key_of
from webapp.core.errors import Conflict, Invalid
from webapp.core.insertion import update_rows
from webapp.core.tenancy import CHECKED, scoped
from webapp.imports.models import IMPORT_ROWS as ROWS
from webapp.imports.models import IMPORTS
from webapp.imports.planner import Planner
from webapp.imports.standing import MENDABLE, STATE_WORDS, count_fates, get_import, get_row, is_import
from webapp.imports.unreadable import Cell
from webapp.imports.work import Keys, Work, token

LONGEST_CELL = 32_767
SIBLINGS = 20
"""How many rows that were in the way of each other are looked at again together."""

MOST_ABOVE = 60
"""How many rows are looked at for what one row names."""

PLANNED = (
    *("fate", "title", "mark", "cells", "changes", "errors", "note", "carried", "plan"),
    *("search_text", "key_tokens", "is_mended", "is_skipped", "item_id", "applied_at"),
)
Row = dict[str, Any]


class KeysOfRows(Keys):
    """The keys that an import's other rows have, asked of the table: for the plan of one row."""

    def __init__(self, work: Work) -> None:
        super().__init__()
        self._work = work

    def setdefault(self, key: Any, number: int = 0) -> int:
        """Return the other row that makes something with this key, else this one."""
        if key not in self:
            query = (
                select(ROWS.c.number)
                .where(
                    scoped(self._work.context.session, ROWS),
                    ROWS.c.import_id == self._work.row["id"],
                    ROWS.c.key_tokens.contains(f" {token(key)} "),
                    ROWS.c.fate.in_(("create", "update", "unchanged")),
                    ROWS.c.number != number,
                )
                .order_by(ROWS.c.number)
                .limit(1)
            )
            found = self._work.context.session.execute(query, execution_options=CHECKED).scalar()
            self[key] = number if found is None else int(found)
        return super().setdefault(key, number)


def mend(context: Context, import_id: int, number: int, cells: Mapping[int, Any]) -> list[int]:
    """Put other cells into a row, {column: content}, and say its fate anew; return the numbers of the rows it touched.

    Rows that were in error because of this one are looked at again, too. Raises NotFound, Invalid naming a column,
    and Conflict for a row that is written already or an import that is not at rest.
    """
    work, row = _opened(context, import_id, number)
    headers = work.row["headers"]
    wrong = {f"cells.{i}": [_("There is no column %(number)s.", number=i)] for i in cells if not 0 <= i < len(headers)}
    for index, cell in cells.items():
        sound = isinstance(cell, str | int) or (isinstance(cell, float) and isfinite(cell))
        if not sound or len(str(cell)) > LONGEST_CELL:
            wrong[f"cells.{index}"] = [_("A cell has up to %(count)s characters.", count=LONGEST_CELL)]
    if wrong:
        raise Invalid(wrong)
    mended: list[Cell] = [*row["cells"][: len(headers)]]
    mended += [""] * (len(headers) - len(mended))
    for index, cell in cells.items():
        mended[index] = cell.replace("\0", "") if isinstance(cell, str) else cell
    return _plan_again(work, row, mended, is_mended=True)


def skip(context: Context, import_id: int, number: int, *, skipped: bool) -> list[int]:
    """Leave a row out by hand, or take it in again; return the numbers of the rows it touched. Raises as `mend`."""
    work, row = _opened(context, import_id, number)
    if not skipped:
        return _plan_again(work, row, row["cells"], is_mended=row["is_mended"]) if row["is_skipped"] else [number]
    _write(work, row["id"], work.left_out(row, skip_note()))
    return _settled(work, work.planner(), [number, *_siblings(work, row)], {number})


def skip_note() -> str:
    """Return what a row says that somebody has left out."""
    return _("Skipped by hand.")


def may_mend(imported: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
    """Tell whether a row can still be mended: its import is at rest, and it has written nothing."""
    written = row["applied_at"] is not None and row["fate"] in {"create", "update"}
    return imported["state"] in MENDABLE and imported["purged_at"] is None and not written


def _opened(context: Context, import_id: int, number: int) -> tuple[Work, Row]:
    """Return an import at rest, held so that nobody applies it meanwhile, and one of its rows."""
    imported = get_import(context, import_id, write=True)
    if imported["state"] not in MENDABLE:
        words = _("This import stands at “%(state)s”.", state=STATE_WORDS[imported["state"]])
        raise Conflict(words, code="wrong_state")
    row = get_row(context, import_id, number)
    if not may_mend(imported, row):
        raise Conflict(_("Row %(number)s is written already.", number=number), code="written")
    same = is_import(context, import_id) & (IMPORTS.c.state == imported["stored_state"])
    held: Any = context.session.execute(
        update(IMPORTS).where(same).values(updated_at=context.at), execution_options=CHECKED
    )
    if held.rowcount != 1:
        raise Conflict(_("Somebody else was faster."), code="wrong_state")
    return Work(context, imported), row


def _plan_again(work: Work, row: Row, cells: list[Cell], *, is_mended: bool) -> list[int]:
    siblings, planner = _siblings(work, row), work.planner()
    told: set[int] = set()
    _plan(work, planner, row, cells, told, is_mended=is_mended)
    return _settled(work, planner, [row["number"], *siblings], told)


def _plan(work: Work, planner: Planner, row: Row, cells: list[Cell], told: set[int], *, is_mended: bool) -> None:
    """Plan one row, after those that it names; `told` are the rows of which the planner knows already."""
    planner.finder.seen = keys = KeysOfRows(work)
    told.add(row["number"])
    if planner.ancestry.matters:
        _plan_above(work, planner, cells, told)
    found = work.described(planner, planner.plan([work.reader().read(row["number"], cells)]), keys)[0]
    _write(work, row["id"], found | {"is_mended": is_mended})


def _plan_above(work: Work, planner: Planner, cells: list[Cell], told: set[int]) -> None:
    """Plan the rows first that a row names, so that it may name what they make."""
    reader = work.reader()
    names = planner.ancestry.named_by(reader, cells)
    if not names or len(told) > MOST_ABOVE:
        return
    query = (
        select(ROWS.c.number, ROWS.c.cells)
        .where(
            scoped(work.context.session, ROWS),
            ROWS.c.import_id == work.row["id"],
            ROWS.c.fate.in_(("create", "update")),
            ROWS.c.number.notin_(told),
            or_(*(ROWS.c.search_text.contains(name, autoescape=True) for name in sorted(names))),
        )
        .order_by(ROWS.c.number)
        .limit(SIBLINGS)
    )
    for number, above in work.context.session.execute(query, execution_options=CHECKED).all():
        if number not in told:
            told.add(number)
            _plan_above(work, planner, above, told)
            planner.plan([reader.read(number, above)])


def _write(work: Work, row_id: int, found: Row) -> None:
    update_rows(work.context.session, ROWS, [{"id": row_id} | {name: found[name] for name in PLANNED}])


def _siblings(work: Work, row: Row) -> list[int]:
    """Return the rows in error that had a key in common with a row, or may have named what it makes."""
    shared = [ROWS.c.key_tokens.contains(f" {found} ") for found in row["key_tokens"].split()]
    called = [key_of(name) for name in (row["title"], row["mark"]) if name]
    if work.planner().ancestry.matters:
        shared += [ROWS.c.search_text.contains(name, autoescape=True) for name in called]
    if not shared:
        return []
    query = (
        select(ROWS.c.number)
        .where(
            scoped(work.context.session, ROWS),
            ROWS.c.import_id == work.row["id"],
            ROWS.c.fate == "error",
            ROWS.c.number != row["number"],
            or_(*shared),
        )
        .order_by(ROWS.c.number)
        .limit(SIBLINGS)
    )
    return [int(number) for number in work.context.session.execute(query, execution_options=CHECKED).scalars()]


def _settled(work: Work, planner: Planner, numbers: list[int], told: set[int]) -> list[int]:
    """Plan the rows again that were in the way of the first, and count the fates; return all the numbers."""
    for number in numbers[1:]:
        row = get_row(work.context, work.row["id"], number)
        _plan(work, planner, row, row["cells"], told, is_mended=row["is_mended"])
    counts = count_fates(work.context, work.row["id"])
    if work.row["state"] == "checked":
        counts.pop("waiting", None)
    work.set(counts=counts)
    return numbers
