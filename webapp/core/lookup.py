"""Things by the names that people write: "HQ / Floor 2", "Laptop", "Active"; missing ones made when asked for."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sqlalchemy import select

from webapp.core.conditions import reach
from webapp.core.context import Context
from webapp.core.database import key_of
from webapp.core.fields import Text
from webapp.core.labels import label_rows
from webapp.core.resource import Resource
from webapp.core.tenancy import CHECKED
from webapp.core.writes import create

SEPARATORS = (" / ", " > ", " › ", "/", ">", "›")


def name_key(text: str) -> str:
    """Return the form under which two ways to write a name or a path count as one."""
    for separator in SEPARATORS[1:]:
        text = text.replace(separator, SEPARATORS[0])
    return " / ".join(part for part in (key_of(part) for part in text.split("/")) if part)


def ids_by_name(
    context: Context, resource: Resource, names: Iterable[str], *, only: set[int] | None = None
) -> dict[str, int | None]:
    """Return {name as written: id}; None for a name of several living rows in reach; unknown ones are left out.

    Paths and full labels win over bare names, so "Floor 2" alone is found only while one place is called so.
    `only` are the ids that come into question, where not all do.
    """
    wanted = {name: (name_key if resource.cached else key_of)(name) for name in names}
    pairs = _cached(context, resource) if resource.cached else _read(context, resource, set(wanted.values()))
    known: dict[str, int | None] = {}
    for found in pairs:
        known |= _unambiguous((key, i) for key, i in found if only is None or i in only)
    return {name: known[key] for name, key in wanted.items() if key in known}


def _cached(context: Context, resource: Resource) -> list[list[tuple[str, int]]]:
    """Return [(key, id)] of the bare names, then of the full labels, which win."""
    rows = {i: row for i, row in label_rows(context, resource.name).items() if not row.get("deleted_at")}
    if resource.located_by is not None and context.actor.scope_location_id is not None:
        query = select(resource.table.c.id).where(*reach(context, resource))
        inside = set(context.session.execute(query, execution_options=CHECKED).scalars())
        rows = {i: row for i, row in rows.items() if i in inside}
    bare = [(key_of(str(row.get("name", row["label"]))), i) for i, row in rows.items()]
    return [bare, [(name_key(str(row["label"])), i) for i, row in rows.items()]]


def _read(context: Context, resource: Resource, keys: set[str]) -> list[list[tuple[str, int]]]:
    table, label = resource.table, resource.fields[resource.label]
    name = table.c[label.twin] if isinstance(label, Text) and label.twin else table.c.name_key
    query = select(name, table.c.id).where(
        *reach(context, resource), name.in_(sorted(keys)), table.c.deleted_at.is_(None)
    )
    return [[(key, i) for key, i in context.session.execute(query, execution_options=CHECKED)]]


def _unambiguous(pairs: Iterable[tuple[str, int]]) -> dict[str, int | None]:
    found: dict[str, int | None] = {}
    for key, row_id in pairs:
        found[key] = None if key in found and found[key] != row_id else row_id
    return found


def make_named(context: Context, resource: Resource, name: str, hints: Mapping[str, Any]) -> int:
    """Make what a name stands for and return its id; a path makes the places above it too. Raises Invalid."""
    make: Callable[[Context, Resource, str, Mapping[str, Any]], int] = resource.rules.get("make_named", _make)
    return make(context, resource, name.strip(), hints)


def _make(context: Context, resource: Resource, name: str, hints: Mapping[str, Any]) -> int:
    return create(context, resource, {"name": name, **hints})
