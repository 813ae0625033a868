"""Find what a file calls by name: places by their path, people by e-mail too, everything else by what it is called.

What is missing gets a pretended row with a negative id, so that a dry run can plan on it and count it; `make_real`
creates those that are used, in the transaction that applies the rows. What the file's own rows make of their own kind
is promised in the same way.
"""

from __future__ import annotations

import re
from collections import ChainMap, Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from marshmallow import ValidationError
from sqlalchemy import select

from webapp.core.conditions import reach
from webapp.core.context import Context
from webapp.core.database import key_of
from webapp.core.fields import Text
from webapp.core.matching import key_column
from webapp.core.resource import Resource, registry
from webapp.core.tenancy import CHECKED, among
from webapp.faces.rendering import within_sentence
from webapp.imports.making import make_real
from webapp.imports.targets import PERSON_PARTS, is_makeable

Row = dict[str, Any]
LONGEST_NAME = 255
CHUNK = 1_000
SPACED = re.compile(r"\s+[/>›»→|\\]\s+")
TIGHT = re.compile(r"\s*[/>›»→|\\]\s*")
DEEPER = {"site": "location", "customer_site": "location", "location": "location", "aisle": "shelf", "shelf": "bin"}
STRICT = frozenset({"kind"})
"""What a namesake must have in common to be meant; other columns only decide between several."""

LIFECYCLE_WORDS = {
    "active": "active, available, ready to deploy, ready, deployed, "
    "deployable, in use, operational, in service, ok, good, checked out",
    "idle": "idle, in stock, in store, in storage, spare, unused, stock",
    "in_maintenance": "in maintenance, maintenance, under repair, out for repair, "
    "out for diagnostics, in repair, repair, broken",
    "pending_install": "pending install, pending, ordered, on order, new, to be installed",
    "in_transit": "in transit, shipped, transit",
    "lost": "lost, missing, lost/missing, lost/stolen, stolen",
    "non_compliant": "non compliant, non-compliant",
    "retired": "retired, archived, end of life, out of service, inactive",
    "decommissioned": "decommissioned, disposed, sold, donated, scrapped, written off, broken - not fixable",
}
WORDS = {word.strip(): code for code, words in LIFECYCLE_WORDS.items() for word in words.split(",")}
"""What other systems call the nine lifecycles, for statuses that the organization does not have by that name."""


class Unresolved(Exception):
    """A name that leads to no one row; the message says why."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a row says of its product; a part that the file has no column for (`…_known` is false) fits any."""

    name: str
    model_number: str | None
    manufacturer_id: int | None
    category_id: int | None
    number_known: bool
    maker_known: bool

    def fits(self, row: Row, *, exactly: bool = False) -> bool:
        """Tell whether a product may be meant; `exactly` takes what is not said for none."""
        number = key_of(row["model_number"] or "") == key_of(self.model_number or "")
        maker = row["manufacturer_id"] == self.manufacturer_id
        return (number or not (exactly or self.number_known)) and (maker or not (exactly or self.maker_known))


class Lookups:
    """The names of one import: living rows in the actor's reach, small kinds read once, of large ones what is asked."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.pretended: defaultdict[str, dict[int, Row]] = defaultdict(dict)
        self.missing: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.promised: set[int] = set()
        self.real: dict[int, int] = {}
        self.refused: dict[tuple[str, int], str] = {}
        self._rows: dict[str, dict[int, Row]] = {}
        self._index: dict[str, dict[str, dict[str, list[int]]]] = {}
        self._asked: defaultdict[str, set[str]] = defaultdict(set)
        self._found: defaultdict[str, dict[Any, list[int]]] = defaultdict(dict)
        self._next = 0

    def row(self, kind: str, row_id: int) -> Row:
        """Return a real or pretended row, of one that was made meanwhile the real one."""
        row_id = self.real.get(row_id, row_id)
        return self.pretended[kind][row_id] if row_id < 0 else self._all(kind)[row_id]

    def label(self, kind: str, row_id: int) -> str:
        """Return what people call a row: what stands in a tree by its path."""
        row = self.row(kind, row_id)
        if is_tree(kind) and row["parent_id"] and row["parent_id"] in self.known(kind):
            return f"{self.label(kind, row['parent_id'])} / {row['name']}"
        return str(row[registry.resources[kind].label])

    def known(self, kind: str) -> Mapping[int, Row]:
        """Return real and pretended rows by id."""
        return ChainMap(self.pretended[kind], self._all(kind))

    def need(self, kind: str, row_id: int | None) -> None:
        """Count a pretended row that a row of the file needs, and what stands above it."""
        if row_id is None or row_id >= 0 or row_id in self.promised:
            return
        row = self.row(kind, row_id)
        number = row.get("model_number")
        label = self.label(kind, row_id)
        self.missing[kind][f"{label} ({number})" if number else label] += 1
        if is_tree(kind):
            self.need(kind, row["parent_id"])

    def expect(self, kind: str, texts: Iterable[str]) -> None:
        """Read the rows of a large kind that some texts may name, a query a way to name them."""
        resource = registry.resources[kind]
        if resource.cached:
            return
        self._all(kind)
        wanted = {key for text in texts for key in (key_of(text), key_of(turned(text)))} - self._asked[kind]
        self._asked[kind] |= wanted
        keys = sorted(key for key in wanted if key)
        for column in _columns(resource) if keys else ():
            for start in range(0, len(keys), CHUNK):
                self._read(resource, among(self.context.session, resource.table.c[column], keys[start : start + CHUNK]))

    def expect_ids(self, kind: str, ids: Iterable[int | None]) -> None:
        """Read the rows of a large kind that have some ids."""
        wanted = sorted({i for i in ids if i is not None and i > 0 and i not in self._all(kind)})
        for start in range(0, len(wanted), CHUNK):
            table = registry.resources[kind].table
            self._read(registry.resources[kind], among(self.context.session, table.c.id, wanted[start : start + CHUNK]))

    def find(
        self,
        kind: str,
        text: str,
        current_id: int | None = None,
        said: Mapping[str, Any] | None = None,
        made_with: Mapping[str, Any] | None = None,
    ) -> int:
        """Return the row of a kind that a text names; the one that a thing has already comes first.

        `said` are columns that tell namesakes apart, `made_with` what else a missing one gets. Raises Unresolved.
        """
        is_there = current_id is not None and current_id in self._all(kind)
        if current_id is not None and is_there and is_tree(kind) and self._fits(kind, current_id, text):
            return current_id
        found = self.candidates(kind, text, said)
        if current_id in found:
            return current_id
        if len(found) > 1:
            raise Unresolved(_several(kind, text, len(found)))
        if not found:
            return self._make(kind, text, dict(said or {}), dict(made_with or {}))
        if found[0] < 0 and made_with:
            self.row(kind, found[0]).update(made_with)
        return found[0]

    def candidates(self, kind: str, text: str, said: Mapping[str, Any] | None = None) -> list[int]:
        """Return the rows of a kind that a text may name, each distinct text looked for once."""
        memory, key = self._found[kind], (text, tuple(sorted(said.items())) if said else ())
        if key not in memory:
            memory[key] = self._candidates(kind, text, said or {})
        return memory[key]

    def person(
        self, parts: Mapping[str, str], current_id: int | None = None, made_with: Mapping[str, Any] | None = None
    ) -> int:
        """Return the person that some columns tell of together: by user name, e-mail or number, else by name.

        Raises Unresolved.
        """
        self._all("persons")
        said = {part: parts[part] for part in PERSON_PARTS if parts.get(part)}
        for part in ("username", "email", "employee_number"):
            known = self._named("persons", f"{part}_key", said[part]) if part in said else []
            if known:
                return known[0]
        whole = " ".join(said[part] for part in ("first_name", "last_name") if part in said)
        name = parts.get("text") or whole
        if not name:
            return self._pretend_person(next(iter(said.values())), {**said, **(made_with or {})})
        found = [i for i in self.candidates("persons", name) if self._is_the_same(i, said)]
        if current_id in found:
            return current_id
        if len(found) > 1:
            raise Unresolved(_several("persons", name, len(found)))
        return found[0] if found else self._pretend_person(name, {**said, **(made_with or {})})

    def product(self, wanted: Wanted, current_id: int | None = None) -> int:
        """Return the product that a row means; the one that a thing has already comes first when it fits."""
        named = self.candidates("products", wanted.name)
        found = [row_id for row_id in named if wanted.fits(self.row("products", row_id))]
        if current_id in found:
            return current_id
        exact = [row_id for row_id in found if wanted.fits(self.row("products", row_id), exactly=True)]
        shown = f"{wanted.name} ({wanted.model_number})" if wanted.model_number else wanted.name
        if not (found := exact or found) and wanted.category_id is None:
            self.missing["products"][shown] += 1
            raise Unresolved(_("There is no product “%(name)s”, and to make it the row needs a category.", name=shown))
        if len(found) > 1:
            raise Unresolved(_several("products", wanted.name, len(found)))
        values = {
            "model_number": wanted.model_number,
            "manufacturer_id": wanted.manufacturer_id,
            "category_id": wanted.category_id,
        }
        return found[0] if found else self._pretend("products", wanted.name, values)

    def promise(self, kind: str, row: Row, known: int | None = None) -> int:
        """Let what a row of the file will make be named by others; return its pretended id, the `known` one if any."""
        if known is None:
            self._next -= 1
            known = self._next
            self.promised.add(known)
        self._add(kind, {**_blank(kind), **row, "id": known}, self.pretended)
        return known

    def renamed(self, kind: str, row_id: int, changes: Mapping[str, Any]) -> None:
        """Let what a row of the file changes be named as it will be."""
        if row_id in self._all(kind):
            self._add(kind, {**self._rows[kind][row_id], **changes}, self._rows)

    def settle(self, kind: str, row_id: int, new_id: int) -> None:
        """Put the real row where a pretended one stood."""
        row = self.pretended[kind].pop(row_id)
        self.real[row_id] = new_id
        row["id"] = new_id
        self._all(kind)[new_id] = row
        for column in _columns(registry.resources[kind]):
            index = self._index[kind][column]
            if row[column]:
                index[row[column]] = [new_id if i == row_id else i for i in index[row[column]]]
        self._found[kind].clear()

    def make_real(self, used: Iterable[tuple[str, int]]) -> dict[int, int]:
        """Create the pretended rows that are used, and what they need; return {pretended id: real id}.

        What their own rules refuse is left out, and `refused` says why.
        """
        return make_real(self, used)

    def _all(self, kind: str) -> dict[int, Row]:
        """Return the known rows of a kind; a small kind is read as a whole when it is first asked for."""
        if kind not in self._rows:
            resource = registry.resources[kind]
            self._rows[kind] = {}
            self._index[kind] = {column: {} for column in _columns(resource)}
            if resource.cached:
                self._read(resource)
        return self._rows[kind]

    def _read(self, resource: Resource, *where: Any) -> None:
        table, known = resource.table, self._rows[resource.name]
        query = select(table).where(*reach(self.context, resource), table.c.deleted_at.is_(None), *where)
        rows = self.context.session.execute(query.order_by(table.c.id), execution_options=CHECKED).mappings()
        for row in rows:
            if row["id"] not in known:
                self._add(resource.name, dict(row), self._rows)

    def _add(self, kind: str, row: Row, among: Mapping[str, dict[int, Row]]) -> None:
        self._all(kind)
        among[kind][row["id"]] = row
        for column, index in self._index[kind].items():
            if row[column] and row["id"] not in index.setdefault(row[column], []):
                index[row[column]].append(row["id"])
        self._found[kind].clear()

    def _named(self, kind: str, column: str, text: str) -> list[int]:
        self._all(kind)
        return self._index[kind][column].get(key_of(text), [])

    def _candidates(self, kind: str, text: str, said: Mapping[str, Any]) -> list[int]:
        self.expect(kind, [text])
        if is_tree(kind):
            return self._in_tree(kind, text, said)
        for way in (text, turned(text)):
            for column in _columns(registry.resources[kind]):
                found = self._told_apart(kind, self._named(kind, column, way), said)
                if found:
                    return found
        return self._statuses(text) if kind == "statuses" else []

    def _told_apart(self, kind: str, ids: Sequence[int], said: Mapping[str, Any]) -> list[int]:
        """Return those of some namesakes that fit what else was said, or have nothing there; all when none does."""
        for column, value in said.items():
            fitting = [i for i in ids if self.row(kind, i).get(column) == value]
            if column in STRICT:
                ids = fitting
            elif len(ids) > 1:
                ids = fitting or [i for i in ids if self.row(kind, i).get(column) is None] or ids
        return list(ids)

    def _statuses(self, text: str) -> list[int]:
        """Return the default status of the lifecycle that a name means elsewhere."""
        lifecycle = WORDS.get(key_of(text))
        rows = self._all("statuses").items()
        return [i for i, row in rows if row["lifecycle"] == lifecycle and row["is_default_for_lifecycle"]]

    def _in_tree(self, kind: str, text: str, said: Mapping[str, Any]) -> list[int]:
        for parts in ([text], SPACED.split(text), TIGHT.split(text)):
            found = self._ends(kind, [part for part in parts if part], said)
            if found:
                return found
        return []

    def _ends(self, kind: str, parts: list[str], said: Mapping[str, Any]) -> list[int]:
        """Return the rows whose path ends with these names; those whose whole path it is beat the others."""
        ends = self._told_apart(kind, self._named(kind, "name_key", parts[-1]), said) if parts else []
        if not ends and len(parts) == 1 and "code" in registry.resources[kind].table.c:
            code = key_of(parts[0])
            ends = [row_id for row_id, row in self.known(kind).items() if row["code"] and key_of(row["code"]) == code]
        whole: list[int] = []
        partly: list[int] = []
        for row_id in ends:
            place: int | None = row_id
            for above in reversed(parts[:-1]):
                place = self.row(kind, place)["parent_id"] if place is not None else None
                if place is None or place not in self.known(kind):
                    break
                if self.row(kind, place)["name_key"] != key_of(above):
                    break
            else:
                is_root = place is not None and self.row(kind, place)["parent_id"] is None
                (whole if is_root else partly).append(row_id)
        return whole or partly

    def _fits(self, kind: str, row_id: int, text: str) -> bool:
        """Tell whether what stands in a tree has this name, code or end of a path."""
        path = [key_of(part) for part in self.label(kind, row_id).split(" / ")]
        parts = [key_of(part) for part in TIGHT.split(text) if part]
        code = self.row(kind, row_id).get("code")
        return path[-len(parts) :] == parts or path[-1] == key_of(text) or (code or "") == text

    def _is_the_same(self, person_id: int, said: Mapping[str, str]) -> bool:
        """Tell whether nothing that was said speaks against a person of the name."""
        row = self.row("persons", person_id)
        return all(row[f"{p}_key"] in (None, key_of(said[p])) for p in ("username", "email") if p in said)

    def _make(self, kind: str, text: str, said: Row, made_with: Row) -> int:
        if not is_makeable(kind):
            raise Unresolved(there_is_none(kind, text))
        if is_tree(kind):
            return self._grow(kind, SPACED.split(text), said)
        if kind == "persons":
            return self._pretend_person(text, made_with)
        return self._pretend(kind, text, {name: value for name, value in made_with.items() if value is not None})

    def _grow(self, kind: str, parts: list[str], said: Row) -> int:
        """Return the pretended row at the end of a path, with those above it that are missing too."""
        parent_id: int | None = None
        for depth in range(1, len(parts) + 1):
            found = self._ends(kind, parts[:depth], said)
            if len(found) == 1:
                parent_id = found[0]
                continue
            values = {**said, "parent_id": parent_id}
            if kind == "locations":
                values["kind"] = self.kind_below(parent_id)
                if values["kind"] is None:
                    raise Unresolved(_("Nothing can stand below the bin in “%(path)s”.", path=" / ".join(parts)))
            parent_id = self._pretend(kind, parts[depth - 1], values)
        assert parent_id is not None  # noqa: S101  a split text has at least one part
        return parent_id

    def kind_below(self, parent_id: int | None) -> str | None:
        """Return of which kind a new place in another is, None where nothing can stand."""
        return "site" if parent_id is None else DEEPER.get(str(self.row("locations", parent_id)["kind"]))

    def _pretend_person(self, name: str, values: Row) -> int:
        """Return a pretended person: the last word of a name is the family's."""
        first, _space, last = turned(name).rpartition(" ")
        given = {"first_name": first or last, "last_name": last if first else None}
        if "@" in name:
            given = {"first_name": name.partition("@")[0], "last_name": None, "email": name}
        if not values.get("first_name") and values.get("last_name"):
            values.pop("last_name", None)
        return self._pretend("persons", str(given["first_name"]) if "@" in name else turned(name), {**given, **values})

    def _pretend(self, kind: str, name: str, values: Row) -> int:
        if max(len(name), len(values.get("model_number") or "")) > LONGEST_NAME:
            raise Unresolved(_("“%(name)s…” is longer than %(count)s characters.", name=name[:60], count=LONGEST_NAME))
        resource = registry.resources[kind]
        for field, value in values.items():
            item = resource.writable.get(field)
            if isinstance(item, Text) and value is not None:
                _check(item, value)
        self._next -= 1
        row = {**_blank(kind), "id": self._next, resource.label: name, "search_text": "", **values}
        for item in resource.stored.values():
            if isinstance(item, Text) and item.twin and row[item.column] is not None:
                row[item.twin] = key_of(row[item.column])
        self._add(kind, row, self.pretended)
        return self._next


def is_tree(kind: str) -> bool:
    """Tell whether things of a kind stand in each other and are called by their path."""
    return "parent_id" in registry.resources[kind].label_columns


def there_is_none(kind: str, text: str) -> str:
    """Say that nothing is called so."""
    singular = within_sentence(registry.resources[kind].singular)
    return _("There is no %(thing)s “%(name)s”.", thing=singular, name=text)


def _several(kind: str, text: str, count: int) -> str:
    if kind == "locations":
        return _("There are several places “%(name)s”. Write the whole path.", name=text)
    return _("“%(name)s” could be any of %(count)s.", name=text, count=count)


def _check(item: Text, value: str) -> None:
    try:
        item.deserialize(value)
    except ValidationError as error:
        raise Unresolved(f"“{value[:60]}”: {' '.join(map(str, error.messages))}") from None


def _columns(resource: Resource) -> tuple[str, ...]:
    """Return the columns that a text may name a row by: what it is called, then what it alone has."""
    own = (rule.column for rule in resource.unique if not rule.within and rule.column.endswith("_key"))
    return tuple(dict.fromkeys([key_column(resource, resource.label), *own]))


def turned(name: str) -> str:
    """Return "Maria Alves" of "Alves, Maria"."""
    last, comma, first = name.partition(",")
    return f"{first.strip()} {last.strip()}" if comma and first.strip() and "," not in first else name


def _blank(kind: str) -> Row:
    return dict.fromkeys(registry.resources[kind].table.c.keys())


def names_of(counted: Mapping[str, Counter[str]], most: int) -> dict[str, dict[str, Any]]:
    """Return what is missing as JSON keeps it: {kind: {"count", "names": {name: rows}}}, the most needed names."""
    return {
        kind: {"count": len(names), "names": dict(names.most_common(most))} for kind, names in counted.items() if names
    }
