"""One factory a model: what a valid row of each resource is made of, as a client of the API would send it.

A feature that declares a resource adds its factory to FACTORIES and a change of some fields to CHANGES; every suite
over the registry takes its data from here.
"""

import importlib
import importlib.util
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import insert
from sqlalchemy import update as update_of

from tests.households import PASSWORD, Household, unique
from webapp import FEATURES
from webapp.accounts.invitations import invite
from webapp.accounts.models import Membership
from webapp.accounts.rules import add_member, create_api_key
from webapp.core import identity
from webapp.core.context import Context
from webapp.core.identity_proofs import set_factor
from webapp.core.labels import label_rows
from webapp.core.resource import Resource
from webapp.core.tenancy import CHECKED, references, scoped
from webapp.core.writes import create, update
from webapp.reports.models import ExportRun
from webapp.webhooks.models import Webhook

for feature in FEATURES:
    if importlib.util.find_spec(f"webapp.{feature}.models"):
        importlib.import_module(f"webapp.{feature}.models")
RESOURCES: dict[str, Resource] = {
    resource.name: resource
    for feature in FEATURES
    if importlib.util.find_spec(f"webapp.{feature}.resources")
    for resource in importlib.import_module(f"webapp.{feature}.resources").RESOURCES
}
WORDS = ("Ärzte", "apple", "Zebra", "éclair", "Beta", "straße", "O'Neil")
CANARY = "kanarienvogel"
TUNELESS = {
    ("custom-fields", "slug"),
    ("custom-fields", "default_value"),
    ("exports", "query"),
    ("webhooks", "filter"),
}  # no free texts
Patch = dict[str, Any]


def having(*verbs: str, face: str = "api") -> list[Resource]:
    """Return the resources that offer some verbs on a face."""
    return [resource for resource in RESOURCES.values() if set(verbs) <= getattr(resource, face)]


class Workshop:
    """Makes rows of one organization by its rules; what they refer to is made as well, once an organization."""

    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    pools: defaultdict[str, dict[tuple[str, int], int]] = defaultdict(dict)

    def __init__(self, context: Context) -> None:
        self.context = context
        self.made: defaultdict[str, list[int]] = defaultdict(list)

    def patch(self, name: str, /, **given: Any) -> Patch:
        """Return what a client would send to make another row, unlike all before it."""
        number = self.counts[self.context.tenant.guid][name]
        self.counts[self.context.tenant.guid][name] += 1
        return {k: v for k, v in (FACTORIES[name](number, self) | given).items() if v is not None}

    def make(self, name: str, /, **given: Any) -> int:
        """Make a row and return its id."""
        row_id = MAKERS.get(name, by_rule)(self.context, RESOURCES[name], self.patch(name, **given))
        self.made[name].append(row_id)
        return row_id

    def fill(self, name: str, count: int) -> list[int]:
        """Make many rows and return their ids."""
        return [self.make(name) for _ in range(count)]

    def one_of(self, name: str, number: int) -> int:
        """Return one of three rows that others may refer to."""
        pool, key = self.pools[self.context.tenant.guid], (name, number % 3)
        if key not in pool:
            pool[key] = self.make(name, **SHARED.get(name, {}))
        return pool[key]

    def chief(self, number: int) -> int:
        """Return one of three people who belong nowhere: they may manage what people themselves stand in."""
        pool, key = self.pools[self.context.tenant.guid], ("chiefs", number % 3)
        if key not in pool:
            pool[key] = by_rule(self.context, RESOURCES["persons"], {"first_name": f"Chief {number % 3}"})
        return pool[key]

    def status(self, number: int) -> int:
        """Return one of the statuses that every organization starts with."""
        return sorted(label_rows(self.context, "statuses"))[number % 13]


@contextmanager
def workshop(household: Household) -> Iterator[Workshop]:
    """Open a workshop in an organization and commit what it makes."""
    with household.context() as context:
        yield Workshop(context)
        context.session.commit()


def make(household: Household, name: str, /, **given: Any) -> int:
    """Make one row in an organization, committed, and return its id."""
    with workshop(household) as shop:
        return shop.make(name, **given)


def fill(household: Household, name: str, count: int) -> list[int]:
    """Make many rows in an organization, committed, and return their ids."""
    with workshop(household) as shop:
        return shop.fill(name, count)


def patch_for(household: Household, name: str, /, **given: Any) -> Patch:
    """Return what a client would send to make another row in an organization; what it refers to is there."""
    with workshop(household) as shop:
        return shop.patch(name, **given)


def guarded() -> list[tuple[Resource, str, Resource]]:
    """Return (resource, its column, what the column refers to) of everything that keeps another thing from going."""
    return [
        (other, column, target)
        for target in having("delete")
        for other in having("list")
        for column, table in sorted(references(other.table).items())
        if table is target.table and column in FACTORIES_SAY.get(other.name, other.writable)
    ]


def make_held(household: Household, other: Resource, column: str, target: Resource) -> int:
    """Make a row that one other row refers to by a column, and return its id."""
    with workshop(household) as shop:
        held = shop.make(target.name, **SHARED.get(target.name, {}))
        shop.make(other.name, **{column: held}, **fitting(other, column))
    return held


def fitting(other: Resource, column: str) -> Patch:
    """Return what else a row must be so that a column may refer to what the factories make first."""
    if other.name == "assets":
        ways = {
            "category_id": {"product_id": None},
            "location_id": {"parent_id": None},
            "parent_id": {"location_id": None},
        }
        return ways.get(column, {})
    return {"locations": {"kind": "location"}, "categories": {"kind": "asset"}}.get(other.name, {})


def songs(name: str, /) -> Patch:
    """Return a canary for every text that a row of a resource may have, to see where it can be heard."""
    resource, number = RESOURCES[name], unique("")[1:]
    if name in {"users", "members", "invitations", "api-keys"}:
        return {"name": f"{CANARY} {number}"} | ({} if name == "api-keys" else {"email": f"{CANARY}{number}@x.org"})
    texts = [n for n, i in resource.writable.items() if i.kind in {"text", "longtext"} and getattr(i, "max", 0) > 30]
    texts = [text for text in texts if (name, text) not in TUNELESS]
    return {text: f"{CANARY}{number}@x.org" if "email" in text else f"{CANARY} {number}" for text in texts}


def form_of(patch: Patch) -> dict[str, str]:
    """Return a patch as a browser's form sends it; several codes are lines of a text."""
    lines = {name: "\n".join(value) for name, value in patch.items() if isinstance(value, list)}
    return {n: str(v).lower() if isinstance(v, bool) else str(v) for n, v in patch.items()} | lines


def by_rule(context: Context, resource: Resource, patch: Patch) -> int:
    """Make a row by its rule."""
    return create(context, resource, resource.schema_for().load(patch))


def make_organization(context: Context, resource: Resource, patch: Patch) -> int:
    """Give the organization what it may be asked by; there is only one."""
    update(context, resource, context.organization_id, {"asset_tag_pattern": "TAG-%04d"})
    return context.organization_id


def make_member(context: Context, resource: Resource, patch: Patch) -> int:
    """Let a new user in, who has been here once."""
    member: Membership = add_member(context, **patch)
    member.last_seen_at = context.at
    context.session.flush()
    return int(member.id)


def make_user(context: Context, resource: Resource, patch: Patch) -> int:
    """Let a new user in, who has filled in the profile, and return the user's id, not the membership's."""
    member: Membership = add_member(context, **patch)
    connection = context.session.connection()
    own = {"locale": "de_AT", "timezone": "Europe/Vienna", "theme": None, "has_shortcuts": True}
    identity.change_profile(member.user_id, name=patch["name"], **own, connection=connection)
    set_factor(member.user_id, None, since=context.at, connection=connection)
    return int(member.user_id)


def make_key(context: Context, resource: Resource, patch: Patch) -> int:
    """Make an API key."""
    ends = {"expires_at": datetime.fromisoformat(patch["expires_at"])} if "expires_at" in patch else {}
    return int(create_api_key(context, **patch | ends)[0].id)


def make_invitation(context: Context, resource: Resource, patch: Patch) -> int:
    """Ask somebody in, with the times of a letter and an answer."""
    made = invite(context, **patch)
    made.sent_at = made.accepted_at = context.at
    context.session.flush()
    return int(made.id)


def make_export(context: Context, resource: Resource, patch: Patch) -> int:
    """Save an export that has been made, that could not be made, or that is being made."""
    row_id = by_rule(context, resource, patch)
    table, number = resource.table, int(patch["hour"])
    state = ("done", "failed", "running", None)[number % 4]
    said = {"last_state": state, "last_run_at": context.at if state else None}
    said |= {"last_rows": number if state == "done" else None, "last_error": "No." if state == "failed" else None}
    said |= {"job_id": 10**9 + number if state else None}  # a job that nobody knows any more
    statement = update_of(table).where(scoped(context.session, table), table.c.id == row_id).values(said)
    context.session.execute(statement, execution_options=CHECKED)
    run = {"organization_id": context.organization_id, "export_id": row_id, "started_at": context.at}
    context.session.execute(insert(ExportRun.__table__).values(run | {"error": "No."}), execution_options=CHECKED)
    return row_id


def make_webhook(context: Context, resource: Resource, patch: Patch) -> int:
    """Make a webhook that has had its troubles."""
    row = context.session.get_one(Webhook, by_rule(context, resource, patch))
    row.reason = ("gone", "unreachable", "filter")[row.id % 3]
    row.failing_since = row.next_at = row.last_delivered_at = row.previous_until = context.at
    context.session.flush()
    return int(row.id)


MAKERS: dict[str, Callable[[Context, Resource, Patch], int]] = {
    "organizations": make_organization,
    "users": make_user,
    "members": make_member,
    "api-keys": make_key,
    "invitations": make_invitation,
    "webhooks": make_webhook,
    "exports": make_export,
}
SHARED: dict[str, Patch] = {
    "categories": {"kind": "asset", "parent_id": None},
    "locations": {"parent_id": None, "is_active": True},
    "persons": {"is_technician": True, "is_archived": False},
    "products": {"is_archived": False},
}


def word(number: int) -> str:
    """Return a name that sorts differently by bytes, by letters and by case."""
    return f"{WORDS[number % len(WORDS)]} {number}"


def sometimes(number: int, value: Any, *, every: int = 4) -> Any:
    """Return a value, and every so often nothing."""
    return None if number % every == every - 1 else value


def location(number: int, shop: Workshop) -> Patch:
    """A place: every fourth a site, then two in it and one below those."""
    made = shop.made["locations"]
    step = len(made) % 4
    return {
        "name": word(number),
        "kind": "location" if step else "site",
        "parent_id": made[-1] if step == 3 else made[-step] if step else None,
        "code": sometimes(number, f"L-{number % 5}"),
        **address(number),
        "manager_id": sometimes(number, shop.chief(number)),
        "email": sometimes(number, f"desk{number}@example.org"),
        "phone": sometimes(number, f"+351 21 {number:04d}"),
        "fax": sometimes(number, f"+351 22 {number:04d}", every=3),
        "latitude": sometimes(number, round(38.7 + number % 50 / 1000, 6)),
        "longitude": sometimes(number, round(-9.1 - number % 50 / 1000, 6)),
        "currency": ("EUR", "USD", None)[number % 3],
        "is_office": number % 2 == 0,
        "is_active": number % 5 != 4,
        "company_id": sometimes(number, shop.one_of("companies", number), every=2),
        "customer_id": sometimes(number, shop.one_of("customers", number), every=3),
        "notes": sometimes(number, f"Behind the <b>door</b> {number}", every=2),
    }


def person(number: int, shop: Workshop) -> Patch:
    """Somebody at one of three places, managed by the one before."""
    made = shop.made["persons"]
    return {
        "first_name": WORDS[number % len(WORDS)],
        "last_name": sometimes(number, f"Okafor {number}"),
        "email": sometimes(number, f"Person{number}@example.org"),
        "phone": sometimes(number, f"+44 20 {number:04d}", every=3),
        "username": sometimes(number, f"User-{number}", every=5),
        "employee_number": sometimes(number, f"E{number:05d}", every=3),
        "title": ("Editor", "camera operator", None)[number % 3],
        "location_id": sometimes(number, shop.one_of("locations", number)),
        "manager_id": sometimes(number, made[-1] if made else None, every=2),
        "department_id": sometimes(number, shop.one_of("departments", number)),
        "company_id": sometimes(number, shop.one_of("companies", number), every=3),
        "is_technician": number % 4 == 1,
        **address(number),
        "is_archived": number % 3 == 0,
        "notes": sometimes(number, f"Note {number}", every=2),
    }


def address(number: int) -> Patch:
    """A postal address, sometimes a part of one."""
    return {
        "address_line_1": sometimes(number, f"{number} Rua do Sol", every=5),
        "address_line_2": sometimes(number, f"Floor {number % 9}", every=2),
        "city": ("Lisboa", "Évora", None)[number % 3],
        "state": sometimes(number, f"Region {number % 4}", every=3),
        "zip": f"{1000 + number % 7}",
        "country": ("PT", "DE", None, "BR")[number % 4],
    }


def company(number: int, shop: Workshop) -> Patch:
    """A legal person that things belong to."""
    return {
        "name": word(number),
        "phone": sometimes(number, f"+49 30 {number:04d}"),
        "fax": sometimes(number, f"+49 31 {number:04d}", every=3),
        "email": sometimes(number, f"post{number}@example.org"),
        "notes": sometimes(number, f"Note {number}", every=2),
    }


def department(number: int, shop: Workshop) -> Patch:
    """A part of the organization, of one of its companies now and then."""
    return {
        "name": word(number),
        "email": sometimes(number, f"team{number}@example.org"),
        "phone": sometimes(number, f"+49 32 {number:04d}", every=3),
        "fax": sometimes(number, f"+49 33 {number:04d}", every=3),
        "manager_id": sometimes(number, shop.chief(number), every=3),
        "location_id": sometimes(number, shop.one_of("locations", number), every=2),
        "company_id": sometimes(number, shop.one_of("companies", number)),
        "notes": sometimes(number, f"Note {number}", every=2),
    }


def customer(number: int, shop: Workshop) -> Patch:
    """Somebody things are lent to; every third is free of tax."""
    is_exempt = number % 3 == 0
    return {
        "name": word(number),
        "email": sometimes(number, f"buyer{number}@example.org"),
        "phone": sometimes(number, f"+44 21 {number:04d}"),
        **address(number),
        "default_sla_hours": sometimes(number, 4 + number % 44, every=3),
        "is_tax_exempt": is_exempt,
        "tax_exemption_reason": f"Charity {number}" if is_exempt else None,
        "notes": sometimes(number, f"Note {number}", every=2),
    }


def supplier(number: int, shop: Workshop) -> Patch:
    """Who sells things."""
    return {
        "name": word(number),
        "contact_name": sometimes(number, f"Desk {number}"),
        "email": sometimes(number, f"sales{number}@example.org"),
        "phone": sometimes(number, f"+1 556 {number:04d}", every=5),
        "fax": sometimes(number, f"+1 557 {number:04d}", every=3),
        "url": sometimes(number, f"https://shop.example.org/{number}"),
        **address(number),
        "notes": sometimes(number, f"Note {number}", every=2),
    }


KINDS = ("text", "number", "date", "boolean", "choice", "choices", "url", "money")


def custom_field(number: int, shop: Workshop) -> Patch:
    """A field of products, of each kind in turn: assets keep to what their own tests give them."""
    kind = KINDS[number % len(KINDS)]
    return {
        "name": word(number),
        "resource": "products",
        "kind": kind,
        "slug": sometimes(number, f"own_{number}"),
        "options": ["small", "Größe L"] if kind in ("choice", "choices") else [],
        "default_value": {"text": "As usual", "choice": "Größe L"}.get(kind),
        "help": sometimes(number, f"As it says on <b>box</b> {number}", every=2),
        "position": number % 5,
    }


def field_set(number: int, shop: Workshop) -> Patch:
    """A set without fields, which assets would have to have first."""
    return {"name": word(number), "fields": [], "notes": sometimes(number, f"Note {number}", every=2)}


def depreciation(number: int, shop: Workshop) -> Patch:
    """A way to lose value: by each method, with a minimum as an amount, a part, or none."""
    method = ("straight_line", "declining", "double_declining", "sum_of_years")[number % 4]
    return {
        "name": word(number),
        "method": method,
        "months": 12 + number % 60,
        "rate": 20.5 if method == "declining" else None,
        "convention": ("full_month", "half_year")[number % 2],
        "minimum_value": f"{number % 7 * 10}.25" if number % 3 == 0 else None,
        "minimum_percent": 10 if number % 3 == 1 else None,
        "notes": sometimes(number, f"Note {number}", every=2),
    }


def category(number: int, shop: Workshop) -> Patch:
    """A kind of thing: of assets, below that one, of accessories."""
    step = len(shop.made["categories"]) % 3
    return {
        "name": word(number),
        "kind": ("asset", "asset", "accessory")[step],
        "parent_id": shop.made["categories"][-1] if step == 1 else None,
        "color": sometimes(number, f"#29{number % 90 + 10}b0"),
        "minimum_quantity": sometimes(number, number % 7, every=3),
        "eula": sometimes(number, f"Terms {number}", every=3),
        "use_default_eula": number % 5 == 0,
        "requires_acceptance": number % 4 == 0,
        "checkin_email": number % 2 == 0,
        "checkout_email": number % 3 == 0,
        "notes": sometimes(number, f"Note {number}", every=2),
    }


def manufacturer(number: int, shop: Workshop) -> Patch:
    """Who makes things."""
    return {
        "name": word(number),
        "url": sometimes(number, f"https://example.org/{number}"),
        "support_url": sometimes(number, f"https://help.example.org/{number}", every=3),
        "support_phone": sometimes(number, f"+1 555 {number:04d}", every=5),
        "support_email": sometimes(number, f"help{number}@example.org"),
        "warranty_lookup_url": sometimes(number, f"https://warranty.example.org/{number}", every=3),
        "notes": sometimes(number, f"Note {number}", every=2),
    }


def product(number: int, shop: Workshop) -> Patch:
    """A model, its end of life by one of the three rules."""
    rule = ("individual", "months", "fixed_date")[number % 3]
    return {
        "name": word(number),
        "model_number": sometimes(number, f"MN-{number % 5}a"),
        "manufacturer_id": sometimes(number, shop.one_of("manufacturers", number)),
        "category_id": shop.one_of("categories", number),
        "default_purchase_cost": sometimes(number, f"{number % 6 * 100}.50"),
        "depreciation_id": sometimes(number, shop.one_of("depreciations", number)),
        "field_set_id": sometimes(number, shop.one_of("field-sets", number), every=3),
        "minimum_quantity": sometimes(number, number % 7, every=3),
        "is_requestable": number % 2 == 0,
        "is_archived": number % 5 == 4,
        "end_of_life_rule": rule,
        "end_of_life_months": 36 + number if rule == "months" else None,
        "end_of_life_on": f"2031-0{number % 9 + 1}-15" if rule == "fixed_date" else None,
        "notes": sometimes(number, f"Note {number}", every=2),
    }


def status(number: int, shop: Workshop) -> Patch:
    """A word for a state beside the thirteen that come with Quartermaster."""
    return {
        "name": f"On loan {word(number)}",
        "lifecycle": ("active", "idle", "in_maintenance", "retired")[number % 4],
        "label_type": ("deployable", "pending", "undeployable", "archived")[number % 4],
        "color": sometimes(number, f"#{number % 90 + 10}54b0"),
        "show_in_nav": number % 3 == 0,
        "notes": sometimes(number, f"Note {number}", every=2),
    }


def asset(number: int, shop: Workshop) -> Patch:
    """A thing: every second one a copy of a product, the others with a category of their own; a few inside the last one."""
    is_copy, made = number % 2 == 0, shop.made["assets"]
    container = made[-1] if made and number % 9 == 8 else None
    cared_for = number % 3 == 0
    return {
        "tag": sometimes(number, f"Tag-{number:04d}"),
        "name": sometimes(number, word(number), every=5),
        "description": sometimes(number, f"Black, <b>heavy</b>, number {number}", every=3),
        "product_id": shop.one_of("products", number) if is_copy else None,
        "category_id": None if is_copy else shop.one_of("categories", number),
        "serial_number": sometimes(number, f"Sn{number:05d}x"),
        "status_id": shop.status(number),
        "condition": sometimes(number, number % 5 + 1, every=3),
        "is_requestable": number % 4 == 1,
        "parent_id": container,
        "location_id": sometimes(number, shop.one_of("locations", number)) if container is None else None,
        "home_location_id": sometimes(number, shop.one_of("locations", number + 1), every=3),
        "latitude": -22.5 - number % 60 if number % 5 == 0 else None,
        "longitude": round(100.000001 + number % 70, 6) if number % 5 == 0 else None,
        "technician_id": sometimes(number, shop.one_of("persons", number), every=3),
        "department_id": sometimes(number, shop.one_of("departments", number)),
        "company_id": sometimes(number, shop.one_of("companies", number), every=3),
        "ownership": ("company-owned", "leased", "rented", "customer-owned", None)[number % 5],
        "is_byod": number % 6 == 5,
        "purchased_on": sometimes(number, f"2025-0{number % 9 + 1}-11"),
        "purchase_cost": (f"{number * 37 % 11}.99", "1250.00", "0.0015", None)[number % 4],
        "currency": ("EUR", "USD", "JPY", None)[number % 4],
        "supplier_id": sometimes(number, shop.one_of("suppliers", number)),
        "order_number": sometimes(number, f"PO {number % 3}"),
        "depreciation_id": sometimes(number, shop.one_of("depreciations", number), every=2),
        "warranty_months": sometimes(number, number % 5 * 12, every=3),
        "end_of_life_on": sometimes(number, f"2032-1{number % 3}-01", every=3),
        "maintenance_enabled": cared_for,
        "maintenance_interval_days": 90 + number % 300 if cared_for else None,
        "last_maintained_on": f"2026-0{number % 9 + 1}-03" if cared_for and number % 2 else None,
        "last_audited_on": sometimes(number, f"2026-0{number % 9 + 1}-20", every=2),
        "next_audit_on": sometimes(number, f"2027-0{number % 9 + 1}-20", every=3),
        "notes": sometimes(number, f'=HYPERLINK("https://example.org/{number}")', every=2),
    }


def member(number: int, shop: Workshop) -> Patch:
    """Somebody who is let in, in any role but the owner's."""
    return {
        "email": f"{unique('member')}@example.org",
        "name": word(number),
        "password": PASSWORD,
        "role": ("member", "admin", "manager", "technician", "auditor")[number % 5],
        "scope_location_id": sometimes(number, shop.one_of("locations", number), every=2),
    }


def invitation(number: int, shop: Workshop) -> Patch:
    """Somebody who is asked in."""
    return {
        "email": f"{unique('invited')}@example.org",
        "name": sometimes(number, word(number)),
        "role": ("technician", "auditor", "member")[number % 3],
        "scope_location_id": sometimes(number, shop.one_of("locations", number), every=2),
    }


def api_key(number: int, shop: Workshop) -> Patch:
    """A key that may read something."""
    return {
        "name": word(number),
        "scopes": ["assets:read", "persons:read"][: number % 2 + 1],
        "ip_allowlist": [f"10.0.0.{number % 250}"],
        "expires_at": sometimes(number, f"2099-01-{1 + number % 28:02d}T00:00:00.123Z"),
        "scope_location_id": sometimes(number, shop.one_of("locations", number), every=2),
    }


def webhook(number: int, shop: Workshop) -> Patch:
    """An address that is told of something."""
    return {
        "name": word(number),
        "url": f"https://hooks.example.org/{number}",
        "events": ["assets.*", "persons.updated"][: number % 2 + 1],
        "filter": None if number % 2 else f"condition={number % 5 + 1}",
        "is_active": number % 3 != 2,
    }


def export(number: int, shop: Workshop) -> Patch:
    """A list that is made again and again; one without a schedule would be made at once."""
    schedule = ("daily", "weekly", "monthly")[number % 3]
    return {
        "name": word(number),
        "resource": ("assets", "locations", "persons")[number % 3],
        "format": ("csv", "xlsx", "jsonl")[number % 3],
        "query": sometimes(number, f"id_not={number}&sort=-created_at", every=3),
        "fields": ["id", "notes"][: number % 3],
        "schedule": schedule,
        "weekday": ("monday", "friday")[number % 2] if schedule == "weekly" else None,
        "month_day": 1 + number % 31 if schedule == "monthly" else None,
        "hour": number % 24,
        "receivers": [f"desk{number}@example.org", "ops@example.org"][: number % 3],
    }


FACTORIES: dict[str, Callable[[int, Workshop], Patch]] = {
    "locations": location,
    "persons": person,
    "organizations": lambda number, shop: {},
    "users": member,
    "members": member,
    "invitations": invitation,
    "api-keys": api_key,
    "companies": company,
    "departments": department,
    "customers": customer,
    "categories": category,
    "manufacturers": manufacturer,
    "suppliers": supplier,
    "depreciations": depreciation,
    "custom-fields": custom_field,
    "field-sets": field_set,
    "products": product,
    "statuses": status,
    "assets": asset,
    "webhooks": webhook,
    "exports": export,
}
FACTORIES_SAY = {
    name: {"scope_location_id"} for name in ("members", "invitations", "api-keys")
}  # beside the writable fields
CHANGES: dict[str, Patch] = {
    "exports": {"name": "Renamed", "query": None, "receivers": ["new@example.org"]},
    "locations": {"city": "Porto", "code": None, "notes": "Moved twice"},
    "persons": {"title": "Chief of cameras", "is_archived": True, "notes": None},
    "companies": {"name": "Renamed", "phone": None, "email": "new@example.org"},
    "departments": {"name": "Renamed", "phone": "+49 30 1", "notes": None},
    "customers": {"name": "Renamed", "default_sla_hours": 77, "notes": None},
    "suppliers": {"name": "Renamed", "url": None, "contact_name": "Somebody else"},
    "custom-fields": {"name": "Renamed", "help": "Said differently", "position": 77},
    "field-sets": {"name": "Renamed", "notes": "Said differently"},
    "depreciations": {"name": "Renamed", "months": 77, "notes": None},
    "organizations": {"name": "Kestrel and Daughters", "currency": "CHF", "asset_tag_pattern": "KFR-%04d"},
    "members": {"role": "auditor", "is_active": False},
    "categories": {"name": "Renamed", "notes": None},
    "manufacturers": {"name": "Renamed", "url": None, "support_phone": "+49 30 1"},
    "products": {"name": "Renamed", "default_purchase_cost": "77.25", "notes": None},
    "statuses": {"name": "Renamed", "notes": "Said differently"},
    "assets": {"name": "Renamed", "order_number": "PO 99", "purchase_cost": "77.25", "condition": 2, "notes": None},
    "webhooks": {"name": "Renamed", "events": ["products.created"], "filter": "name=Lens"},
}
