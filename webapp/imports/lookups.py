"""Find what a file calls by name: categories, makers, products, statuses and places.

What is missing gets a pretended row with a negative id, so that a dry run can plan on it and count it; `make_real`
creates those that are used, in the transaction that applies the rows.
"""

from __future__ import annotations

import re
from collections import ChainMap, Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select

from webapp.core.batch import plan_rows, write_rows
from webapp.core.context import Context
from webapp.core.database import key_of
from webapp.core.errors import Invalid
from webapp.core.query import reach
from webapp.core.resource import registry
from webapp.core.tenancy import CHECKED
from webapp.core.writes import Draft, Facts

Row = dict[str, Any]
BY_NAME_ALONE = ("companies", "suppliers", "departments")
"""What a name is enough to make."""

ORDER = ("manufacturers", "categories", *BY_NAME_ALONE, "locations", "products")
"""What must exist before what refers to it."""

LONGEST_NAME = 255
SPACED = re.compile(r"\s+[/>›»→|\\]\s+")
TIGHT = re.compile(r"\s*[/>›»→|\\]\s*")
DEEPER = {"site": "location", "customer_site": "location", "location": "location", "aisle": "shelf", "shelf": "bin"}

LIFECYCLE_WORDS = {
    "active": "active, available, ready to deploy, ready, deployed, deployable, in use, operational, in service, ok",
    "idle": "idle, in stock, in store, in storage, spare, unused, stock",
    "in_maintenance": "in maintenance, maintenance, under repair, in repair, "
    "out for repair, out for diagnostics, broken",
    "pending_install": "pending install, pending, ordered, on order, new, to be installed",
    "in_transit": "in transit, shipped, transit",
    "lost": "lost, missing, lost/missing, lost/stolen, stolen",
    "non_compliant": "non compliant, non-compliant",
    "retired": "retired, archived, end of life, out of service, inactive",
    "decommissioned": "decommissioned, disposed, sold, donated, scrapped, written off, broken - not fixable",
}
WORDS = {
    "active": "active, available, ready to deploy, ready, deployed, "
    "deployable, in use, operational, in service, ok, good",
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
    """The names of one import: living rows in the actor's reach, read once, and pretended ones."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.pretended: dict[str, dict[int, Row]] = {kind: {} for kind in ORDER}
        self.missing: dict[str, Counter[str]] = {kind: Counter() for kind in ORDER}
        self._rows: dict[str, dict[int, Row]] = {}
        self._index: dict[str, dict[Any, list[int]]] = {}
        self._next = 0

    def row(self, kind: str, row_id: int) -> Row:
        """Return a real or pretended row."""
        return self.pretended[kind][row_id] if row_id < 0 else self._all(kind)[row_id]

    def label(self, kind: str, row_id: int) -> str:
        """Return what people call a row: places by their path."""
        row = self.row(kind, row_id)
        if kind == "locations" and row["parent_id"] and row["parent_id"] in self.known(kind):
            return f"{self.label(kind, row['parent_id'])} / {row['name']}"
        return str(row["name"])

    def known(self, kind: str) -> Mapping[int, Row]:
        """Return real and pretended rows by id."""
        return ChainMap(self.pretended[kind], self._all(kind))

    def need(self, kind: str, row_id: int | None) -> None:
        """Count a pretended row that a row of the file needs, and the places above it."""
        if row_id is None or row_id >= 0:
            return
        row = self.row(kind, row_id)
        number = row.get("model_number")
        label = self.label(kind, row_id)
        self.missing[kind][f"{label} ({number})" if number else label] += 1
        self.need(kind, row.get("parent_id"))

    def category(self, text: str) -> int:
        """Return the category of assets with a name; "Computers / Laptops" names a subcategory."""
        parts = SPACED.split(text)
        found = [i for i in self._named("categories", parts[-1]) if self.row("categories", i)["kind"] == "asset"]
        if len(parts) > 1:
            above = set(self._named("categories", parts[-2]))
            found = [i for i in found if self.row("categories", i)["parent_id"] in above]
        tops = [row_id for row_id in found if self.row("categories", row_id)["parent_id"] is None]
        return self._one("categories", text, tops if len(tops) == 1 else found, {"kind": "asset"})

    def manufacturer(self, text: str) -> int:
        """Return the maker with a name."""
        return self._one("manufacturers", text, self._named("manufacturers", text), {})

    def by_name(self, kind: str, text: str, current_id: int | None = None) -> int:
        """Return the company, supplier or department with a name; the one that a thing has already comes first."""
        found = self._named(kind, text)
        return current_id if current_id in found else self._one(kind, text, found, {})

    def status(self, text: str) -> int:
        """Return the status with a name, or the default one of the lifecycle that the name means elsewhere."""
        found = self._named("statuses", text)
        lifecycle = WORDS.get(key_of(text))
        if not found and lifecycle:
            found = [
                row_id
                for row_id, row in self._all("statuses").items()
                if row["lifecycle"] == lifecycle and row["is_default_for_lifecycle"]
            ]
        if len(found) != 1:
            raise Unresolved(_("There is no status “%(name)s”.", name=text))
        return found[0]

    def location(self, text: str, current_id: int | None = None) -> int:
        """Return the place with a name, a code or a path such as "HQ / Floor 2"; where a thing is comes first."""
        if current_id in self._all("locations") and self._fits(current_id, text):
            return current_id
        for parts in ([text], SPACED.split(text), TIGHT.split(text)):
            found = self._places([part for part in parts if part])
            if len(found) == 1:
                return found[0]
            if found:
                raise Unresolved(_("There are several places “%(name)s”. Write the whole path.", name=text))
        return self._grow(SPACED.split(text))

    def product(self, wanted: Wanted, current_id: int | None = None) -> int:
        """Return the product that a row means; the one that a thing has already comes first when it fits."""
        found = [row_id for row_id in self._named("products", wanted.name) if wanted.fits(self.row("products", row_id))]
        if current_id in found:
            return current_id
        exact = [row_id for row_id in found if wanted.fits(self.row("products", row_id), exactly=True)]
        shown = f"{wanted.name} ({wanted.model_number})" if wanted.model_number else wanted.name
        if not (found := exact or found) and wanted.category_id is None:
            self.missing["products"][shown] += 1
            raise Unresolved(_("There is no product “%(name)s”, and to make it the row needs a category.", name=shown))
        values = {
            "model_number": wanted.model_number,
            "manufacturer_id": wanted.manufacturer_id,
            "category_id": wanted.category_id,
        }
        return self._one("products", wanted.name, found, values)

    def _all(self, kind: str) -> dict[int, Row]:
        if kind not in self._rows:
            resource = registry.resources[kind]
            table = resource.table
            query = select(table).where(*reach(self.context, resource), table.c.deleted_at.is_(None))
            rows = self.context.session.execute(query.order_by(table.c.id), execution_options=CHECKED).mappings()
            self._rows[kind] = {row["id"]: dict(row) for row in rows}
            self._index[kind] = {}
            for row in self._rows[kind].values():
                self._index[kind].setdefault(row["name_key"], []).append(row["id"])
        return self._rows[kind]

    def _named(self, kind: str, name: str) -> list[int]:
        self._all(kind)
        return self._index[kind].get(key_of(name), [])

    def _one(self, kind: str, name: str, found: list[int], values: Row) -> int:
        if len(found) > 1:
            raise Unresolved(_("“%(name)s” could be any of %(count)s.", name=name, count=len(found)))
        return found[0] if found else self._pretend(kind, name, values)

    def _pretend(self, kind: str, name: str, values: Row) -> int:
        if max(len(name), len(values.get("model_number") or "")) > LONGEST_NAME:
            raise Unresolved(_("“%(name)s…” is longer than %(count)s characters.", name=name[:60], count=LONGEST_NAME))
        self._next -= 1
        blank = dict.fromkeys(registry.resources[kind].table.c.keys())
        row = {**blank, "id": self._next, "name": name, "name_key": key_of(name), "search_text": "", **values}
        self.pretended[kind][self._next] = row
        self._all(kind)
        self._index[kind].setdefault(key_of(name), []).append(self._next)
        return self._next

    def _fits(self, location_id: int, text: str) -> bool:
        """Tell whether a place has this name, code or end of a path."""
        path = [key_of(part) for part in self.label("locations", location_id).split(" / ")]
        parts = [key_of(part) for part in TIGHT.split(text) if part]
        code = self.row("locations", location_id)["code"]
        return path[-len(parts) :] == parts or path[-1] == key_of(text) or (code or "") == text

    def _places(self, parts: list[str]) -> list[int]:
        """Return the places whose path ends with these names; one whose whole path it is beats the others."""
        rows = self._all("locations")
        ends = self._named("locations", parts[-1])
        if not ends and len(parts) == 1:
            ends = [row_id for row_id, row in rows.items() if row["code"] and key_of(row["code"]) == key_of(parts[0])]
        whole: list[int] = []
        partly: list[int] = []
        for row_id in ends:
            place: int | None = row_id
            for above in reversed(parts[:-1]):
                place = self.row("locations", place)["parent_id"] if place is not None else None
                if place is None or place not in self.known("locations"):
                    break
                if self.row("locations", place)["name_key"] != key_of(above):
                    break
            else:
                is_root = place is not None and self.row("locations", place)["parent_id"] is None
                (whole if is_root else partly).append(row_id)
        return whole or partly

    def _grow(self, parts: list[str]) -> int:
        """Return the pretended place at the end of a path, with those above it that are missing too."""
        parent_id: int | None = None
        for depth in range(1, len(parts) + 1):
            found = self._places(parts[:depth])
            if len(found) == 1:
                parent_id = found[0]
                continue
            kind = DEEPER.get(self.row("locations", parent_id)["kind"]) if parent_id else "site"
            if kind is None:
                raise Unresolved(_("Nothing can stand below the bin in “%(path)s”.", path=" / ".join(parts)))
            parent_id = self._pretend("locations", parts[depth - 1], {"kind": kind, "parent_id": parent_id})
        assert parent_id is not None  # noqa: S101  a split text has at least one part
        return parent_id

    def make_real(self, used: Iterable[tuple[str, int]]) -> dict[int, int]:
        """Create the pretended rows that are used, and what they need; return {pretended id: real id}.

        Raises Invalid naming the first that its own rules refuse.
        """
        wanted = self._with_needs(used)
        real: dict[int, int] = {}
        for kind in ORDER:
            waiting = sorted((i for k, i in wanted if k == kind), reverse=True)
            while waiting:  # places level by level, everything else at once
                ready = [i for i in waiting if (self.row(kind, i).get("parent_id") or 0) >= 0]
                for row_id, new_id in zip(ready, self._create(kind, ready), strict=True):
                    real[row_id] = new_id
                    self._settle(kind, row_id, new_id)
                waiting = [i for i in waiting if i not in real]
        return real

    def _with_needs(self, used: Iterable[tuple[str, int]]) -> set[tuple[str, int]]:
        wanted: set[tuple[str, int]] = set()
        waiting: list[tuple[str, int | None]] = list(used)
        while waiting:
            kind, row_id = waiting.pop()
            if row_id is None or row_id >= 0 or (kind, row_id) in wanted:
                continue
            wanted.add((kind, row_id))
            row = self.pretended[kind][row_id]
            waiting += [("manufacturers", row.get("manufacturer_id")), ("categories", row.get("category_id"))]
            waiting += [(kind, row.get("parent_id"))]
        return wanted

    def _create(self, kind: str, ids: list[int]) -> list[int]:
        resource = registry.resources[kind]
        names = ("name", "kind", "parent_id", "model_number", "category_id", "manufacturer_id")
        patches = [
            {name: self.row(kind, row_id)[name] for name in names if name in resource.writable} for row_id in ids
        ]
        drafts: list[Draft] = plan_rows(self.context, resource, [(None, patch) for patch in patches])
        for draft in drafts:
            if draft.errors:
                raise Invalid({f"{kind} “{draft['name']}”": [m for found in draft.errors.values() for m in found]})
        return write_rows(self.context, resource, drafts)

    def _settle(self, kind: str, row_id: int, new_id: int) -> None:
        """Put the real row where the pretended one stood, also in what refers to it."""
        row = self.pretended[kind].pop(row_id)
        row["id"] = new_id
        self._rows[kind][new_id] = row
        self._index[kind][row["name_key"]] = [new_id if i == row_id else i for i in self._index[kind][row["name_key"]]]
        columns = {"manufacturers": "manufacturer_id", "categories": "category_id", "locations": "parent_id"}
        for other in (*self.pretended["products"].values(), *self.pretended["locations"].values()):
            if kind in columns and other.get(columns[kind]) == row_id:
                other[columns[kind]] = new_id


class PretendingFacts(Facts):
    """The facts of a plan that may refer to rows which are only pretended yet."""

    def __init__(self, context: Context, lookups: Lookups) -> None:
        super().__init__(context)
        self.lookups = lookups

    def preload(self, kind: str, ids: Iterable[int | None]) -> None:
        """Take pretended rows from the look-ups, the others from the database."""
        wanted = {row_id for row_id in ids if row_id is not None}
        for row_id in wanted:
            if row_id < 0:
                self._rows[kind, row_id] = self.lookups.row(kind, row_id)
        super().preload(kind, [row_id for row_id in wanted if row_id > 0])


def names_of(counted: Mapping[str, Counter[str]], most: int) -> dict[str, dict[str, Any]]:
    """Return what is missing as JSON keeps it: {kind: {"count", "names": {name: rows}}}, the most needed names."""
    return {
        kind: {"count": len(names), "names": dict(names.most_common(most))} for kind, names in counted.items() if names
    }
