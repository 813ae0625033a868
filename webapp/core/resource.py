"""The declarations: Resource, a kind of thing; Action, a verb; Panel, what a feature shows on another's page."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from marshmallow import Schema, missing
from sqlalchemy import Table

from webapp.core.access import EVERYBODY, MANAGERS, Permission, can, declare
from webapp.core.context import Actor, Context
from webapp.core.fields import Derived, FaceField, Name, Reference, Text, Through, schema_fields

if TYPE_CHECKING:
    from webapp.core.writes import Draft, Facts

VERBS = frozenset({"list", "get", "create", "update", "delete", "restore", "history"})


def _nothing(*_: Any) -> None:
    """Do nothing: a resource without rules of its own."""


@dataclass(frozen=True, kw_only=True)
class Menu:
    """Where a resource stands in the side menu; `below` it stand lists of its own: (label, icon, filters)."""

    label: Any
    group: Any
    icon: str
    order: int = 100
    below: Callable[[Context], Iterable[tuple[str, str, Mapping[str, str]]]] = lambda _context: ()


@dataclass(frozen=True, kw_only=True)
class Unique:
    """A column that is unique among the living, within others; `field` is what people typed.

    `setting` names the organization's setting that switches it: while that is off the column is empty.
    """

    column: str
    field: str
    within: tuple[str, ...] = ()
    setting: str | None = None


@dataclass(frozen=True, kw_only=True)
class Numbering:
    """A column that is numbered by the organization's own series when nothing is given."""

    series: str
    column: str
    pattern: str


@dataclass(frozen=True, kw_only=True)
class Action:
    """A verb on a resource: its schema, its rule and its permission.

    The rule takes (context, ids, values) and returns the id of the row to look at afterwards when it is another one.
    `words` stand over its form, `verb` on its button, `done` is said afterwards: "%(name)s was moved". `applies` says
    whether a row is offered it, `initial` what its form is drawn with, `offer` what its pickers hold, `touches` what
    else of the organization it changes, as blockers.
    """

    name: str
    label: Any
    icon: str
    schema: type[Schema]
    rule: Callable[[Context, list[int], dict[str, Any]], Any]
    permission: str
    danger: bool = False
    bulk: bool = True
    words: Any = ""
    verb: Any = ""
    done: Any = ""
    touches: Callable[[Context, Mapping[str, Any]], list[Any] | None] = _nothing
    applies: Callable[[Context, Mapping[str, Any]], bool] = lambda _context, _row: True
    initial: Callable[[Context, Mapping[str, Any]], Mapping[str, Any] | None] = _nothing
    offer: Callable[[Context, str, Mapping[str, Any] | None], set[int] | None] = _nothing

    @property
    def path(self) -> str:
        """Return the last part of its address: "check-out"."""
        return self.name.replace("_", "-")


@dataclass(frozen=True, kw_only=True)
class Panel:
    """What an upper feature shows in a slot of a lower one's page, or on the dashboard."""

    resource: str
    slot: str
    title: Any
    query: Callable[[Context, Mapping[str, Any]], Mapping[str, Any]]
    template: str
    permission: str
    order: int = 100


@dataclass(frozen=True, kw_only=True, eq=False)
class Resource:
    """One kind of thing, declared once; pages, API, filters, history, import and tests come from it.

    Each process keeps the names of a `cached` kind, all of them, and of a `remembered` one those that it was asked for,
    until one of the kind changes. Neither is for what changes all the time: each change of it stamps a version.
    """

    name: str
    model: type[Any]
    schema: type[Schema]
    title: Any
    singular: Any
    icon: str
    label: str = "name"
    subtitle: str | None = None
    menu: Menu | None = None
    columns: tuple[str, ...]
    filters: tuple[str, ...] = ()
    search: tuple[str, ...] = ()
    search_references: tuple[str, ...] = ()
    sort: str = "name"
    unsorted: frozenset[str] = frozenset()
    located_by: str | None = None
    plan: "Callable[[Draft, Facts], None]" = _nothing
    prepare: "Callable[[Context, list[Draft]], list[Draft] | None]" = _nothing
    settle: Callable[[Context, list[Any]], None] = _nothing
    rules: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    guard: Callable[[Context, dict[str, Any]], None] = _nothing
    unique: tuple[Unique, ...] = ()
    numbering: Numbering | None = None
    cached: bool = False
    remembered: bool = False
    label_columns: tuple[str, ...] = ()
    build_labels: Callable[[dict[int, dict[str, Any]]], None] = _nothing
    offer: Callable[[Context, str, Mapping[str, Any] | None], set[int] | None] = _nothing
    offered: Callable[[Context], Any] = _nothing
    belongs: Callable[[Context], Any] | None = None
    actions: tuple[Action, ...] = ()
    sync_key: str | None = None
    field_sets: str | None = None
    read_roles: frozenset[str] = EVERYBODY
    write_roles: frozenset[str] = MANAGERS
    api: frozenset[str] = VERBS
    pages: frozenset[str] = VERBS

    @property
    def table(self) -> Table:
        """Return the table behind the resource."""
        table: Table = self.model.__table__
        return table

    @property
    def read_permission(self) -> str:
        """Return the name of the right to see these things."""
        return f"{self.name}:read"

    @property
    def write_permission(self) -> str:
        """Return the name of the right to change these things."""
        return f"{self.name}:write"

    @cached_property
    def fields(self) -> dict[str, FaceField]:
        """Return the schema's fields by name."""
        return schema_fields(self.schema)

    @cached_property
    def stored(self) -> dict[str, FaceField]:
        """Return the fields that are columns of the table."""
        return {name: item for name, item in self.fields.items() if item.column in self.table.c}

    @cached_property
    def names(self) -> dict[str, Name]:
        """Return the fields that show the name of a reference."""
        return {name: item for name, item in self.fields.items() if isinstance(item, Name)}

    @cached_property
    def throughs(self) -> dict[str, Through]:
        """Return the fields that show a column of what a reference points to."""
        return {name: item for name, item in self.fields.items() if isinstance(item, Through)}

    @cached_property
    def deriveds(self) -> dict[str, Derived]:
        """Return the fields that are computed from others."""
        return {name: item for name, item in self.fields.items() if isinstance(item, Derived)}

    @cached_property
    def customs(self) -> dict[str, FaceField]:
        """Return the organization's own fields; only a tailored resource has any."""
        return {name: item for name, item in self.fields.items() if item.custom_id is not None}

    @cached_property
    def logged(self) -> dict[str, str]:
        """Return {column as the history names it: field} of everything that is kept."""
        return {item.column: name for name, item in {**self.stored, **self.customs}.items()}

    @cached_property
    def references(self) -> dict[str, Reference]:
        """Return the fields that hold the id of another resource's row."""
        return {name: item for name, item in self.fields.items() if isinstance(item, Reference)}

    @cached_property
    def writable(self) -> dict[str, FaceField]:
        """Return the fields that a client may set."""
        return {name: item for name, item in self.fields.items() if not item.dump_only}

    @cached_property
    def twins(self) -> dict[str, str]:
        """Return {column: its case-insensitive twin}."""
        return {i.column: i.twin for i in self.stored.values() if isinstance(i, Text) and i.twin}

    @cached_property
    def expected(self) -> dict[str, FaceField]:
        """Return the fields that a new row gets a value for, or needs one."""
        return {n: i for n, i in self.writable.items() if i.required or i.load_default not in (None, missing)}

    def schema_for(self, *, partial: bool = False) -> Schema:
        """Return a schema that loads a whole row, or a partial one."""
        return self.schema(partial=partial)


@dataclass
class Registry:
    """Every declaration that the features made."""

    resources: dict[str, Resource] = field(default_factory=dict)
    _tables: dict[str, Resource] = field(default_factory=dict)
    _panels: list[Panel] = field(default_factory=list)
    seeds: list[Callable[[Context], None]] = field(default_factory=list)

    def add(self, resource: Resource) -> None:
        """Make a resource known, with its two permissions."""
        self.resources[resource.name] = resource
        self._tables.setdefault(resource.table.name, resource)
        resource.table.info["located_by"] = resource.located_by
        declare(
            (
                Permission(resource.read_permission, resource.read_roles),
                Permission(resource.write_permission, resource.write_roles),
            )
        )

    def add_panel(self, panel: Panel) -> None:
        """Hang a panel."""
        if panel not in self._panels:
            self._panels.append(panel)

    def add_seed(self, seed: Callable[[Context], None]) -> None:
        """Have a function fill each new organization."""
        if seed not in self.seeds:
            self.seeds.append(seed)

    def panels(self, resource: str, slot: str, actor: Actor) -> list[Panel]:
        """Return the panels of a slot that an actor may see, in order."""
        found = [p for p in self._panels if (p.resource, p.slot) == (resource, slot) and can(actor, p.permission)]
        return sorted(found, key=lambda panel: panel.order)

    def menu(self, actor: Actor) -> list[Resource]:
        """Return the resources that stand in an actor's menu, in order."""
        shown = [r for r in self.resources.values() if r.menu and can(actor, r.read_permission)]
        return sorted(shown, key=lambda resource: resource.menu.order if resource.menu else 0)

    def by_table(self, table: str) -> Resource | None:
        """Return the resource over a table, if there is one."""
        return self._tables.get(table)


registry = Registry()
