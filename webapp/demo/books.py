"""The books of the demo organization: writes what happened by the rules, in the name of whoever did it."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from webapp.core.access import permissions_of
from webapp.core.batch import delete_rows, find_rows, plan_rows, write_rows
from webapp.core.context import Actor, Context, Tenant, make_context
from webapp.core.resource import Resource, registry

Patch = dict[str, Any]
LINES_A_COMMIT = 2_000


class Ref(NamedTuple):
    """What stands in a patch for the id of a row: its kind, and what the demo calls it."""

    kind: str
    key: Any


class Books:
    """A bound session, the ids of what was made by the names that the demo gives it, and who may act."""

    def __init__(self, session: Session, tenant: Tenant) -> None:
        self.session, self.tenant = session, tenant
        self.ids: defaultdict[str, dict[Any, int]] = defaultdict(dict)
        self.actors: dict[str, Actor] = {}
        self._lines = 0

    def as_of(self, actor: str, at: datetime) -> Context:
        """Return the context of somebody who acts at a moment of the past."""
        return make_context(self.session, self.tenant, self.actors[actor], at=at)

    def add_person(self, login: str, name: str, role: str, user_id: int) -> None:
        """Make a member known as somebody who acts."""
        self.actors[login] = Actor(
            name=name,
            role=role,
            permissions=permissions_of(role),
            face="page",
            user_id=user_id,
            locale=self.tenant.locale,
            timezone=self.tenant.timezone,
        )

    def add_key(self, name: str, scopes: Iterable[str], key_id: int) -> None:
        """Make an API key known as something that acts."""
        self.actors[name] = Actor(name=name, role="key", permissions=frozenset(scopes), face="api", api_key_id=key_id)

    def know(self, context: Context, kind: str, column: str, names: dict[Any, str]) -> None:
        """Learn the ids of rows that are there already, by what stands in a column."""
        rows = find_rows(context, registry.resources[kind], column, names.values())
        self.ids[kind].update({key: rows[name]["id"] for key, name in names.items()})

    def write(self, context: Context, kind: str, rows: Iterable[tuple[Any, Patch]], note: str | None = None) -> None:
        """Make rows, or change those whose keys are known already; raises ValueError when a rule objects."""
        resource, rows = registry.resources[kind], list(rows)
        known = self.ids[kind]
        current = find_rows(context, resource, "id", [known[key] for key, _patch in rows if key in known])
        pairs = [(current[known[key]] if key in known else None, self.resolved(patch)) for key, patch in rows]
        drafts = plan_rows(context, resource, pairs)
        for (key, _patch), draft in zip(rows, drafts, strict=True):
            if draft.errors:
                raise ValueError(f"the demo's {kind} {key!r}: {draft.errors}")
        ids = write_rows(context, resource, drafts, note)
        known.update({key: row_id for (key, _patch), row_id in zip(rows, ids, strict=True)})
        self._settle(resource, len(rows))

    def delete(self, context: Context, kind: str, keys: Iterable[Any]) -> None:
        """Delete rows that nothing refers to."""
        resource = registry.resources[kind]
        rows = find_rows(context, resource, "id", [self.ids[kind][key] for key in keys])
        self._settle(resource, delete_rows(context, resource, rows.values()))

    def resolved(self, patch: Patch) -> Patch:
        """Return a patch with ids for what it refers to."""
        return {
            name: self.ids[value.kind][value.key] if isinstance(value, Ref) else value for name, value in patch.items()
        }

    def _settle(self, resource: Resource, lines: int) -> None:
        """Commit now and then, so that a large demo does not grow one transaction without end.

        At once after a change of what is cached, such as places: until it is committed they are read for each row.
        """
        self._lines += lines
        if self._lines >= LINES_A_COMMIT or resource.cached:
            self.session.commit()
            self._lines = 0
