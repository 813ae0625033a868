"""Things by the key that another system knows them by: one row, none, or several that other fields tell apart."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import select

from webapp.core.conditions import reach
from webapp.core.context import Context
from webapp.core.database import key_of
from webapp.core.driver import dicts
from webapp.core.fields import Text
from webapp.core.resource import Resource, Unique
from webapp.core.tenancy import CHECKED, among

Row = dict[str, Any]
CHUNK = 1000


class Ambiguous(Exception):
    """Several living rows have a key, and nothing else that was said tells which one is meant."""


def key_column(resource: Resource, key: str) -> str:
    """Return the column that a key is compared by: its case-insensitive twin where it has one."""
    item = resource.fields[key]
    return (item.twin if isinstance(item, Text) else None) or item.column


def candidates(
    context: Context, resource: Resource, key: str, patches: Sequence[Mapping[str, Any]]
) -> dict[Any, list[Row]]:
    """Return {compared value: whole living rows in reach, lowest id first} of the keys that some patches give."""
    wanted = {compared(resource, key, patch[key]) for patch in patches if patch.get(key) is not None}
    return living_rows(context, resource, key_column(resource, key), wanted)


def living_rows(context: Context, resource: Resource, column: str, values: Iterable[Any]) -> dict[Any, list[Row]]:
    """Return {value: whole living rows in reach, lowest id first} of the rows whose column has one of some values."""
    wanted, table = sorted({value for value in values if value is not None}), resource.table
    found: dict[Any, list[Row]] = {}
    for start in range(0, len(wanted), CHUNK):
        chosen = among(context.session, table.c[column], wanted[start : start + CHUNK])
        query = select(table).where(*reach(context, resource), chosen)
        if "deleted_at" in table.c:
            query = query.where(table.c.deleted_at.is_(None))
        for row in dicts(context.session.execute(query.order_by(table.c.id), execution_options=CHECKED)):
            found.setdefault(row[column], []).append(row)
    return found


def compared(resource: Resource, key: str, value: Any) -> Any:
    """Return a key's value as its column compares it."""
    return key_of(value) if key_column(resource, key) != resource.fields[key].column else value


def meant(resource: Resource, key: str, patch: Mapping[str, Any], rows: Sequence[Row]) -> Row | None:
    """Return which of the rows with a patch's key is meant, None when none is; raises Ambiguous.

    A key that is unique within other columns, such as a product's name within its maker, is told apart by those of
    them that the patch gives. Where nothing can tell rows apart the lowest id wins, as with serial numbers that an
    organization lets stand twice.
    """
    rule = next((rule for rule in resource.unique if rule.field == key), None)
    if len(rows) == 0 or rule is None or not rule.within:
        return rows[0] if rows else None
    said = {column: value for column in rule.within if (value := said_of(resource, column, patch)) is not None}
    left = [row for row in rows if all(row[column] == value for column, value in said.items())]
    if len(left) > 1:
        left = [row for row in left if _is_plain(rule, row, said)] or left
    if len(left) > 1:
        raise Ambiguous
    return left[0] if left else None


def said_of(resource: Resource, column: str, patch: Mapping[str, Any]) -> Any:
    """Return what a patch says of a column of a key, such as `parent_key` of parent_id; None when it says nothing."""
    stem = column.removesuffix("_key")
    if f"{stem}_id" in resource.fields:
        return (patch[f"{stem}_id"] or 0) if f"{stem}_id" in patch else None
    if stem not in patch:
        return None
    return key_of(patch[stem] or "") if stem != column else patch[stem]


def _is_plain(rule: Unique, row: Row, said: Mapping[str, Any]) -> bool:
    """Tell whether a row has nothing in the columns that a patch says nothing of."""
    return not any(row[column] for column in rule.within if column not in said)
