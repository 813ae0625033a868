"""Put ids for the names of a row: what it refers to is found, or pretended and counted as missing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from flask_babel import gettext as _

from webapp.core.context import Context
from webapp.core.database import key_of
from webapp.core.labels import labels_for
from webapp.core.lookup import name_key
from webapp.core.resource import Resource
from webapp.imports.lookups import TIGHT, Lookups, Unresolved, Wanted, is_tree, there_is_none
from webapp.imports.options import Options
from webapp.imports.targets import CHECKED_OUT_TO, PERSON_PARTS, targets_of
from webapp.imports.values import is_nothing

if TYPE_CHECKING:
    from webapp.imports.planner import Planned

Said = dict[str, str]
"""What the columns of a reference say: the name as `text`, and its parts."""

FIRST = ("company", "manufacturer", "category")
"""What helps to tell apart what else a row names."""

CATEGORY_KINDS = {"assets": "asset", "products": "asset"}
DERIVED = {"assets": frozenset({"category", "manufacturer", "status"})}
"""Names that an empty cell does not clear: a product says them, or there must be one."""


class Resolver:
    """The references of one import's rows."""

    def __init__(
        self, context: Context, resource: Resource, lookups: Lookups, options: Options, mapped: frozenset[str]
    ) -> None:
        self.context, self.resource, self.lookups = context, resource, lookups
        self.options, self.mapped = options, mapped
        self.targets = targets_of(resource)
        named = [name for name, target in self.targets.items() if target.refers_to]
        self.order = [*(name for name in FIRST if name in named), *(name for name in named if name not in FIRST)]
        self.columns = {name: resource.names[name].of for name in named}
        self.parts = {n: [p for p, t in self.targets.items() if t.part_of == n and p in mapped] for n in named}
        self.used = [name for name in self.order if name in mapped or self.parts[name]]
        self.broken: dict[str, int] = {}
        self.circular: set[int] = set()
        self._labels: Mapping[str, Mapping[int, Mapping[str, Any]]] = {}

    def expect(self, rows: Sequence[Planned]) -> None:
        """Read at once what some rows name of the large kinds."""
        texts: defaultdict[str, set[str]] = defaultdict(set)
        for row in rows:
            for name in self.used:
                texts[str(self.targets[name].refers_to)].update(self.said(row, name).values())
        for kind, found in texts.items():
            self.lookups.expect(kind, found)

    def expect_current(self, rows: Sequence[Planned]) -> None:
        """Read at once what the rows' things refer to already."""
        wanted: defaultdict[str, set[int | None]] = defaultdict(set)
        for row in rows:
            for name in self.used if row.current is not None else ():
                wanted[str(self.targets[name].refers_to)].add((row.current or {}).get(self.columns[name]))
        self._labels = labels_for(self.context, wanted)
        self.lookups.expect_ids("products", wanted.get("products", ()))

    def said(self, row: Planned, name: str) -> Said:
        """Return what a row says of a reference, nothing when its cells are empty."""
        values = row.reading.values
        if not self.parts[name]:
            text = values.get(name)
            return {"text": text} if text else {}
        said = {part.rpartition(".")[2]: values[part] for part in self.parts[name] if values.get(part)}
        text = values.get(name)
        above, below = said.pop("above", None), said.pop("sub", None)
        if above and name_key(text or above).split(" / ")[0] != name_key(above):
            text = f"{above} / {text}"
        elif above and not text:
            text = above
        if below:
            text = f"{text} / {below}" if text else below
        return {**said, "text": text} if text else said

    def resolve(self, row: Planned) -> None:
        """Put the ids of what a row names into its patch; what leads nowhere is an error of the row."""
        ids: dict[str, int | None] = {}
        for name in self.used:
            said = self.said(row, name)
            if name != "product" and said and not self._means_nothing(row, name, said):
                ids[name] = self._try(row, name, said, ids)
        if "product" in self.columns:
            self._resolve_product(row, ids)
        self._refuse_unwanted(row, ids)
        writable = {name: i for name, i in ids.items() if self.columns[name] in self.resource.writable}
        row.patch |= {self.columns[name]: row_id for name, row_id in writable.items() if row_id is not None}
        if self.options.blanks == "clear" and row.current is not None:
            self._clear(row)

    def _clear(self, row: Planned) -> None:
        kept = DERIVED.get(self.resource.name, frozenset())
        for name in self.used:
            column = self.columns[name]
            item = self.resource.writable.get(column)
            if name not in kept and item is not None and item.allow_none and not self.said(row, name):
                row.patch[column] = None

    def _means_nothing(self, row: Planned, name: str, said: Said) -> bool:
        """Tell whether a row says that there is none, such as "n/a", and nothing is called so."""
        text = said.get("text", "")
        if len(said) > 1 or not is_nothing(text):
            return False
        if self.lookups.candidates(str(self.targets[name].refers_to), text):
            return False
        row.reading.values[name] = None
        return True

    def _try(self, row: Planned, name: str, said: Said, ids: Mapping[str, int | None]) -> int | None:
        kind, text = str(self.targets[name].refers_to), said.get("text", "")
        current_id = (row.current or {}).get(self.columns[name])
        if current_id is not None and len(said) == 1 and self._is_label(kind, current_id, text):
            return int(current_id)
        own = kind == self.resource.name
        if own and (reason := self._stuck(row, kind, said)):
            row.reading.fail(name, reason)
            return None
        try:
            made_with = getattr(self.resource.fields[self.columns[name]], "made_with", {})
            if own and not is_tree(kind) and self._names_itself(row, kind, said):
                label = self.targets[name].label
                row.notes.append(_("%(field)s is left out: the row names itself.", field=label))
                return None
            if kind == "persons":
                return self.lookups.person(said, current_id, made_with)
            return self.lookups.find(kind, text, current_id, self._told_by(row, name, kind, ids), made_with)
        except Unresolved as reason:
            row.reading.fail(name, str(reason))
            return None

    def _is_label(self, kind: str, row_id: int, text: str) -> bool:
        """Tell whether a thing is called just so: what an export wrote is taken back without a look-up."""
        known = self._labels.get(kind, {}).get(row_id)
        return known is not None and (known["label"] == text or name_key(str(known["label"])) == name_key(text))

    def _told_by(self, row: Planned, name: str, kind: str, ids: Mapping[str, int | None]) -> dict[str, Any]:
        """Return what else a row says of what it names, to tell namesakes apart."""
        current = row.current or {}
        if kind == "departments" and "company" in self.columns:
            company = ids.get("company") or current.get("company_id")
            return {"company_id": company} if company else {}
        if kind == "categories":
            own = row.reading.values.get("kind") or current.get("kind")
            meant = CATEGORY_KINDS.get(self.resource.name) or own
            return {"kind": meant} if meant else {}
        return {}

    def _stuck(self, row: Planned, kind: str, said: Said) -> str | None:
        """Return why a row cannot stand below another row of the file that nothing has made yet."""
        text = said.get("text", "")
        end = key_of(TIGHT.split(text)[-1]) if is_tree(kind) and text else key_of(text)
        if not text or self.lookups.candidates(kind, text):
            return None
        if end in self.broken and self.broken[end] != row.reading.number:
            return _("Row %(row)s would make “%(name)s”, but has an error.", row=self.broken[end], name=text)
        if row.reading.number in self.circular and not self._names_itself(row, kind, said):
            return _("The rows name each other in a circle.")
        return None

    def _names_itself(self, row: Planned, kind: str, said: Said) -> bool:
        values = row.reading.values
        whole = " ".join(values[part] for part in ("first_name", "last_name") if values.get(part))
        own = {key_of(str(values[n])) for n in ("name", "tag", *PERSON_PARTS) if values.get(n)} | {key_of(whole)}
        asked = {key_of(text) for text in said.values()}
        if row.item_id is not None:
            return any(row.item_id in self.lookups.candidates(kind, text) for text in said.values())
        return bool(asked & own) and not any(self.lookups.candidates(kind, text) for text in said.values())

    def _resolve_product(self, row: Planned, ids: dict[str, int | None]) -> None:
        """Find the product by its name, number and maker; a maker without a product is told and left out."""
        values = row.reading.values
        named = values.get("product")
        named = named if named and not self._means_nothing(row, "product", {"text": named}) else None
        product = named or values.get("model_number")
        current_id = (row.current or {}).get("product_id")
        if product and not {"category", "manufacturer"} & set(row.reading.errors):
            wanted = Wanted(
                name=product,
                model_number=values.get("model_number"),
                manufacturer_id=ids.get("manufacturer"),
                category_id=ids.get("category"),
                number_known="model_number" in self.mapped,
                maker_known="manufacturer" in self.mapped,
            )
            try:
                ids["product"] = self.lookups.product(wanted, current_id)
            except Unresolved as reason:
                row.reading.fail("product", str(reason))
        elif ids.get("manufacturer"):
            row.notes.append(_("The maker is left out: the row names no product."))
            del ids["manufacturer"]
        self._keep_products_category(row, ids)

    def _keep_products_category(self, row: Planned, ids: dict[str, int | None]) -> None:
        """Drop the row's category where its product has one: a product sets the category."""
        product_id = ids.get("product")
        if product_id is None:
            return
        product = self.lookups.row("products", product_id)
        if ids.get("category") not in (None, product["category_id"]):
            kept = product["category_id"]
            label = self.lookups.label("categories", kept) if kept in self.lookups.known("categories") else f"#{kept}"
            row.notes.append(_("The category is that of the product: %(name)s.", name=label))
        ids |= {"category": product["category_id"], "manufacturer": product["manufacturer_id"]}

    def _refuse_unwanted(self, row: Planned, ids: dict[str, int | None]) -> None:
        """Fail a row that needs something missing which nobody has asked to be made."""
        for name, row_id in ids.items():
            if row_id is not None and row_id < 0 and row_id not in self.lookups.promised:
                kind = str(self.targets[name].refers_to)
                self.need(row, kind, row_id)
                if kind not in self.options.create:
                    row.reading.fail(name, there_is_none(kind, self.lookups.label(kind, row_id)))
        if ids.get("product"):
            ids.pop("category", None)

    def need(self, row: Planned, kind: str, row_id: int) -> None:
        """Write down that a row needs a pretended one."""
        row.pretended.append((kind, row_id))
        self.lookups.need(kind, row_id)


def is_carried(name: str) -> bool:
    """Tell whether a target is kept for a later feature."""
    return name.partition(".")[0] == CHECKED_OUT_TO
