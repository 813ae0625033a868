"""Unique values that an organization may switch on and off by a setting, such as serial numbers (D3).

While the setting is on, a twin column holds what is compared; while it is off the twin is empty, and nothing is.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import bindparam, select, update
from sqlalchemy.exc import IntegrityError

from webapp.core.context import Context
from webapp.core.database import key_of
from webapp.core.errors import Conflict
from webapp.core.resource import Resource, Unique, registry
from webapp.core.tenancy import CHECKED, scoped

CHUNK = 5_000


@dataclass(frozen=True, slots=True)
class Shared:
    """A value that several living rows have: as the first of them spells it, by how many, in which field."""

    resource: Resource
    field: str
    value: str
    count: int


def switched_by(setting: str) -> list[tuple[Resource, Unique]]:
    """Return the unique rules that a setting of the organization switches."""
    return [(r, rule) for r in registry.resources.values() for rule in r.unique if rule.setting == setting]


def shared_values(context: Context, setting: str) -> list[Shared]:
    """Return the values that keep a setting from being switched on, the most shared first."""
    found = []
    for resource, rule in switched_by(setting):
        table = resource.table
        text = table.c[resource.fields[rule.field].column]
        query = select(text).where(scoped(context.session, table), text.isnot(None), table.c.deleted_at.is_(None))
        spelled: dict[str, str] = {}
        counts: Counter[str] = Counter()
        for value in context.session.execute(query.order_by(table.c.id), execution_options=CHECKED).scalars():
            key = key_of(value)
            spelled.setdefault(key, value)
            counts[key] += 1
        found += [Shared(resource, rule.field, spelled[key], count) for key, count in counts.items() if count > 1]
    return sorted(found, key=lambda shared: (-shared.count, shared.value))


def fill_switched(context: Context, setting: str) -> int:
    """Fill the empty twins of the rules that a setting has switched on, as far as no two living rows share a value.

    Return how many living rows are left without; may be run again. Raises Conflict when somebody was faster.
    """
    left = 0
    for resource, rule in switched_by(setting):
        table = resource.table
        text, twin = table.c[resource.fields[rule.field].column], table.c[rule.column]
        where = [scoped(context.session, table), text.isnot(None)]
        living = select(twin).where(*where, twin.isnot(None), table.c.deleted_at.is_(None))
        taken = set(context.session.execute(living, execution_options=CHECKED).scalars())
        empty = select(table.c.id, text, table.c.deleted_at).where(*where, twin.is_(None)).order_by(table.c.id)
        values: list[dict[str, Any]] = []
        for row_id, value, deleted_at in context.session.execute(empty, execution_options=CHECKED).all():
            key = key_of(value)
            if deleted_at is None and key in taken:
                left += 1
                continue
            if deleted_at is None:
                taken.add(key)
            values.append({"_id": row_id, "_key": key})
        _write_twins(context, resource, rule, values)
    return left


def empty_switched(context: Context, setting: str) -> None:
    """Empty the twins of the rules that a setting has switched off."""
    for resource, rule in switched_by(setting):
        table = resource.table
        statement = update(table).where(scoped(context.session, table), table.c[rule.column].isnot(None))
        context.session.execute(statement.values({rule.column: None}), execution_options=CHECKED)


def _write_twins(context: Context, resource: Resource, rule: Unique, values: list[dict[str, Any]]) -> None:
    table = resource.table
    statement = (
        update(table)
        .where(table.c.organization_id == context.organization_id, table.c.id == bindparam("_id"))
        .values({rule.column: bindparam("_key")})
    )
    try:
        for start in range(0, len(values), CHUNK):
            context.session.execute(statement, values[start : start + CHUNK], execution_options=CHECKED)
    except IntegrityError as error:
        context.session.rollback()
        raise Conflict(_("Somebody took one of these at the same moment. Try again."), code="taken") from error
