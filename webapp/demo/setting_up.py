"""What Kestrel Field Research begins with: places, people, catalogue, members and keys, made on the first two days."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from webapp.accounts.rules import add_member, create_api_key
from webapp.catalog.custom_fields import slug_of
from webapp.core.resource import registry
from webapp.demo import catalog, people, places, records
from webapp.demo.books import Books, Patch, Ref
from webapp.demo.happenings import VIEWS
from webapp.demo.history import BENCH, INTUNE, REQUESTABLE, person_patch, shown_name
from webapp.demo.people import DOMAIN, PEOPLE
from webapp.demo.products import PRODUCTS
from webapp.faces.saved_views import canonical, save_view

SCOPES = ("assets:read", "assets:write")
Rows = Iterable[tuple[Any, Patch]]


class Beginning:
    """Fills the books with what assets refer to; each kind some minutes after the one before."""

    def __init__(self, books: Books, at: datetime, today: date, password: str) -> None:
        self.books, self.at, self.today, self.password = books, at, today, password

    def fill(self, more_people: Rows) -> None:
        """Make everything in the order in which it refers to each other."""
        self._write("companies", [(c.name, c._asdict()) for c in people.COMPANIES])
        self._write("customers", [(c.name, _customer(c)) for c in records.CUSTOMERS])
        self._write("suppliers", [(s.name, _supplier(s)) for s in records.SUPPLIERS])
        self._write("locations", _sites())
        for depth in range(2, 7):
            self._write("locations", _rooms(depth))
        self._write("departments", [(d.name, _department(d)) for d in people.DEPARTMENTS])
        self._people(more_people)
        self._managers()
        self._catalog()
        self._members()
        self._views()
        self.books.session.commit()

    def _write(self, kind: str, rows: Rows, actor: str = "ines") -> None:
        rows = list(rows)
        if rows:
            self.at += timedelta(minutes=7, seconds=13)
            for start in range(0, len(rows), 500):
                self.books.write(self.books.as_of(actor, self.at), kind, rows[start : start + 500])

    def _people(self, more: Rows) -> None:
        waiting = [person for person in PEOPLE if not person.hired]
        known: set[str | None] = {None}
        while waiting:
            wave = [person for person in waiting if person.manager in known]
            self._write("persons", [(person.login, person_patch(person)) for person in wave])
            known |= {person.login for person in wave}
            waiting = [person for person in waiting if person.login not in known]
        self._write("persons", more)

    def _managers(self) -> None:
        managed = [site for site in places.SITES if site.manager]
        self._write("locations", [(site.name, {"manager_id": Ref("persons", site.manager)}) for site in managed])
        rows = [(d.name, {"manager_id": Ref("persons", d.manager)}) for d in people.DEPARTMENTS]
        self._write("departments", rows)

    def _catalog(self) -> None:
        self._write("depreciations", [(d.name, _depreciation(d)) for d in catalog.DEPRECIATIONS])
        self._write("manufacturers", [(m.name, m._asdict()) for m in catalog.MAKERS])
        rows = list(_categories())
        self._write("categories", [(name, patch) for name, patch in rows if "parent_id" not in patch])
        self._write("categories", [(name, patch) for name, patch in rows if "parent_id" in patch])
        self._write("custom-fields", _own_fields())
        sets = sorted({field.field_set for field in catalog.FIELDS} - {""})
        self._write("field-sets", [(name, {"name": name, "fields": _slugs(name)}) for name in sets])
        self._write("products", _products())

    def _members(self) -> None:
        for member in people.MEMBERS:
            self.at += timedelta(minutes=3, seconds=21)
            person = next(p for p in PEOPLE if p.login == member.login)
            name = shown_name(person)
            made = add_member(
                self.books.as_of("ines", self.at),
                email=f"{member.login}@{DOMAIN}",
                name=name,
                password=self.password,
                role=member.role,
                scope_location_id=self.books.ids["locations"][member.only_at] if member.only_at else None,
            )
            self.books.add_person(member.login, name, member.role, made.user_id)
        for name, actor in ((INTUNE, "bjorn"), (BENCH, "bjorn")):
            self.at += timedelta(minutes=5)
            key, _token = create_api_key(self.books.as_of(actor, self.at), name, SCOPES)
            self.books.add_key(name, SCOPES, key.id)

    def _views(self) -> None:
        for kind, name, wanted in VIEWS:
            self.at += timedelta(minutes=2, seconds=41)
            query = canonical({parameter: self._meant(parameter, value) for parameter, value in wanted.items()})
            save_view(self.books.as_of("ines", self.at), registry.resources[kind], name, query, shared=True)

    def _meant(self, parameter: str, value: str) -> str:
        """Return a parameter's value with ids for names and days for distances from today."""
        kind = {"status": "statuses", "category": "categories", "location": "locations"}.get(parameter.split("_id")[0])
        if kind:
            return ",".join(str(self.books.ids[kind][name]) for name in value.split(","))
        return (self.today + timedelta(days=int(value[1:]))).isoformat() if value[0] == "@" else value


def _sites() -> Iterator[tuple[str, Patch]]:
    for site in (*places.SITES, *places.CUSTOMER_SITES, places.CLOSED_SITE):
        patch: Patch = {
            "name": site.name,
            "kind": "customer_site" if site.customer else "site",
            "code": site.code,
            "address_line_1": site.address,
            "zip": site.zip,
            "city": site.city,
            "state": site.state,
            "country": site.country,
            "currency": site.currency,
            "latitude": Decimal(site.latitude),
            "longitude": Decimal(site.longitude),
            "phone": site.phone,
            "company_id": Ref("companies", site.company),
            "is_office": not site.customer,
            "is_primary": site.name == "Lisbon",
            "is_active": site is not places.CLOSED_SITE,
        }
        if site.customer:
            patch["customer_id"] = Ref("customers", site.customer)
        yield site.name, {name: value for name, value in patch.items() if value is not None}


def _rooms(depth: int) -> Iterator[tuple[str, Patch]]:
    for room in places.all_rooms():
        above, _slash, name = room.path.rpartition(" / ")
        if room.path.count(" / ") == depth - 1:
            patch = {"name": name, "kind": room.kind, "parent_id": Ref("locations", above)}
            yield room.path, {**patch, "code": places.code_of(room.path)}


def _customer(customer: records.Customer) -> Patch:
    patch = {
        "name": customer.name,
        "email": customer.email,
        "phone": customer.phone,
        "address_line_1": customer.address,
        "zip": customer.zip,
        "city": customer.city,
        "country": customer.country,
        "default_sla_hours": customer.sla_hours,
        "is_tax_exempt": customer.exempt is not None,
        "tax_exemption_reason": customer.exempt,
        "notes": customer.notes,
    }
    return {name: value for name, value in patch.items() if value is not None}


def _supplier(supplier: records.Supplier) -> Patch:
    patch = {
        "name": supplier.name,
        "contact_name": supplier.contact,
        "email": supplier.email,
        "phone": supplier.phone,
        "url": supplier.url,
        "address_line_1": supplier.address,
        "zip": supplier.zip,
        "city": supplier.city,
        "country": supplier.country,
        "notes": supplier.notes,
    }
    return {name: value for name, value in patch.items() if value is not None}


def _department(department: people.Department) -> Patch:
    return {
        "name": department.name,
        "company_id": Ref("companies", department.company),
        "location_id": Ref("locations", department.place),
    }


def _depreciation(loss: catalog.Depreciation) -> Patch:
    amounts = ("rate", "minimum_value", "minimum_percent")
    patch = {name: Decimal(value) if name in amounts and value else value for name, value in loss._asdict().items()}
    return {name: value for name, value in patch.items() if value is not None}


def _categories() -> Iterator[tuple[str, Patch]]:
    for kind, top, below, _loss, color, signs in catalog.CATEGORIES:
        common = {"kind": kind, "color": color, "requires_acceptance": signs, "checkout_email": signs}
        if signs:
            common["eula"] = catalog.EULA
        yield top, {"name": top, **common}
        for name in below:
            yield name, {"name": name, "parent_id": Ref("categories", top), **common}


def _own_fields() -> Iterator[tuple[str, Patch]]:
    for position, field in enumerate(catalog.FIELDS):
        patch = {"name": field.name, "resource": "assets", "kind": field.kind, "options": list(field.options)}
        yield field.name, {**patch, "help": field.help, "position": position}


def _slugs(field_set: str) -> list[str]:
    return [slug_of(field.name) for field in catalog.FIELDS if field.field_set == field_set]


def _products() -> Iterator[tuple[str, Patch]]:
    losses = {name: loss for _kind, top, below, loss, *_rest in catalog.CATEGORIES for name in (top, *below)}
    for product in PRODUCTS:
        own = catalog.FIELD_SETS.get(product.category)
        yield (
            product.model,
            {
                "name": product.name,
                "model_number": product.model,
                "category_id": Ref("categories", product.category),
                "manufacturer_id": Ref("manufacturers", product.maker),
                "default_purchase_cost": Decimal(product.price),
                "end_of_life_rule": "months",
                "end_of_life_months": product.life,
                "depreciation_id": Ref("depreciations", losses[product.category]),
                "field_set_id": Ref("field-sets", own) if own else None,
                "is_requestable": product.pool in REQUESTABLE,
            },
        )
