"""The first thousand assets of an organization and all that they refer to, written by the program's own rules."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from webapp.accounts.founding import Founding, create_organization
from webapp.accounts.rules import create_api_key
from webapp.core import identity
from webapp.core.batch import find_rows, plan_rows, write_rows
from webapp.core.context import Actor, Context, Tenant, make_context
from webapp.core.labels import label_rows
from webapp.core.resource import registry
from webapp.core.tenancy import new_session

PASSWORD = "correct horse battery"
PATTERN = 1_000
FOUNDED = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
MOVED = FOUNDED + timedelta(days=60)
FIRST_DAY, DAYS = date(2020, 1, 1), 2_003
RARE, COMMON = "zephyr", "turbine"
RARE_EACH, COMMON_EACH = 1_000, 16
MAKERS = ("Halvorsen", "Okafor", "Lindqvist", "Marchetti", "Tanaka", "Novak", "Delgado", "Weber", "Sato", "Kowalska")
THINGS = ("camera", "microphone", "tripod", "laptop", "generator", "radio", "drone", "sensor", "pump", "lathe")
GRADES = ("A", "B", "C", "D", "E")
FIELDS: tuple[dict[str, Any], ...] = (
    {"name": "Rack code", "slug": "rack_code", "kind": "text"},
    {"name": "Cycles", "slug": "cycles", "kind": "number"},
    {"name": "Calibrated on", "slug": "calibrated_on", "kind": "date"},
    {"name": "Grade", "slug": "grade", "kind": "choice", "options": list(GRADES)},
)
CHUNK = 500


def cycles(number: int) -> int:
    """Return the value of the whole-number field of an organization's asset number so-and-so."""
    return number * 7_919 % 100_003


def calibrated_on(number: int) -> date:
    """Return the value of the date field."""
    return FIRST_DAY + timedelta(days=number % DAYS)


@dataclass
class Household:
    """An organization that is measured with: who may enter, what it is made of."""

    tenant: Tenant
    owner: Actor
    email: str
    key: str
    count: int
    ids: dict[str, list[int]] = field(default_factory=dict)
    fields: dict[str, int] = field(default_factory=dict)

    @property
    def pattern(self) -> list[int]:
        """Return the ids of the assets that the rules have written, by their number."""
        return self.ids["assets"]


def found(name: str, count: int) -> Household:
    """Found an organization and write its things and its first assets by the rules; two lines of history each."""
    email = f"{name.lower()}@example.org"
    organization_id = identity.reserve_organization_id()
    with new_session(organization_id, write=True) as session:
        wanted = Founding(name=name, admin_email=email, admin_password=PASSWORD, admin_name="Olive Owner", at=FOUNDED)
        context = create_organization(session, organization_id, wanted)
        session.commit()
    with new_session(organization_id, write=True) as session:
        made = make_context(session, context.tenant, context.actor)
        _key, token = create_api_key(made, "bench", ("*",))
        session.commit()
    household = Household(context.tenant, context.actor, email, token, count)
    for kind, patches in _things(household):
        write(household, kind, patches)
    with new_session(organization_id, write=False) as session:
        looking = make_context(session, context.tenant, context.actor)
        household.ids["statuses"] = sorted(label_rows(looking, "statuses"))[:3]
        household.fields = {row["slug"]: i for i, row in label_rows(looking, "custom-fields").items()}
    numbers = range(1, min(count, PATTERN) + 1)
    write(household, "assets", [asset(household, number) for number in numbers])
    for start in range(0, len(numbers), CHUNK):
        _move(household, list(numbers)[start : start + CHUNK])
    return household


def write(household: Household, kind: str, patches: Iterable[Mapping[str, Any]]) -> list[int]:
    """Write rows by their rule, 500 a transaction, and keep their ids."""
    rest, made = list(patches), household.ids.setdefault(kind, [])
    first = len(made)
    for start in range(0, len(rest), CHUNK):
        with new_session(household.tenant.id, write=True) as session:
            context = make_context(session, household.tenant, household.owner, at=FOUNDED)
            resource = registry.resources[kind]
            drafts = plan_rows(context, resource, [(None, patch) for patch in rest[start : start + CHUNK]])
            faults = [draft.errors for draft in drafts if draft.errors]
            if faults:
                raise ValueError(f"{kind}: {faults[0]}")
            made += write_rows(context, resource, drafts)
            session.commit()
    return made[first:]


def asset(household: Household, number: int) -> dict[str, Any]:
    """Return what is said of an organization's asset number so-and-so when it is made.

    All but what says the number itself comes again after a thousand: those are the ones to copy.
    """
    ids, like = household.ids, (number - 1) % PATTERN + 1
    words = [THINGS[like % 10], f"unit {like % 97}"]
    words += [COMMON] * (like % COMMON_EACH == 5) + [RARE] * (like % RARE_EACH == 7)

    def one(kind: str, step: int) -> int:
        return ids[kind][like * step % len(ids[kind])]

    return {
        "name": " ".join(words),
        "product_id": one("products", 7),
        "status_id": one("statuses", 1),
        "location_id": one("locations", 11),
        "department_id": one("departments", 3),
        "supplier_id": one("suppliers", 5),
        "technician_id": one("technicians", 13),
        "serial_number": f"SN-{number:07d}",
        "order_number": f"PO-{like % 400:04d}",
        "purchased_on": date(2019, 1, 1) + timedelta(days=like * 13 % 2_400),
        "purchase_cost": Decimal(like * 37 % 9_000 + 50) + Decimal("0.90"),
        "currency": "EUR",
        "warranty_months": 12 * (like % 4 + 1),
        "notes": f"Bought for room {like % 61}; looked after by the workshop.",
        "custom.rack_code": f"RACK-{number:07d}",
        "custom.cycles": Decimal(cycles(number)),
        "custom.calibrated_on": calibrated_on(number),
        "custom.grade": GRADES[like % 5],
    }


def _move(household: Household, numbers: list[int]) -> None:
    """Change some of the first assets: the second line of their history."""
    ids = [household.pattern[number - 1] for number in numbers]
    with new_session(household.tenant.id, write=True) as session:
        context = make_context(session, household.tenant, household.owner, at=MOVED)
        resource = registry.resources["assets"]
        rows = find_rows(context, resource, "id", ids)
        places = household.ids["locations"]
        changes = [
            (rows[i], {"location_id": places[(n * 11 + 1) % len(places)], "condition": n % 5 + 1})
            for i, n in zip(ids, numbers, strict=True)
        ]
        write_rows(context, resource, plan_rows(context, resource, changes))
        session.commit()


def _things(household: Household) -> Iterable[tuple[str, list[dict[str, Any]]]]:
    """Yield what assets refer to, lowest first, more of it in a larger organization."""
    ids, count = household.ids, household.count
    yield "custom-fields", [{"resource": "assets", "position": n, **each} for n, each in enumerate(FIELDS)]
    yield "manufacturers", [{"name": f"{MAKERS[n % 10]} {n // 10 + 1}"} for n in range(_many(count, 5, 40))]
    yield "suppliers", [{"name": f"Supplier {n + 1}"} for n in range(_many(count, 5, 60))]
    yield "categories", [{"kind": "asset", "name": f"{THINGS[n].title()}s"} for n in range(10)]
    parents = list(ids["categories"])
    yield "categories", [{"kind": "asset", "name": f"Kind {n}", "parent_id": parents[n % 10]} for n in range(20)]
    yield (
        "products",
        [
            {
                "name": f"{MAKERS[n % 10]} {THINGS[n * 7 % 10]} {n + 1}",
                "model_number": f"M{n + 1:04d}",
                "category_id": ids["categories"][n % 30],
                "manufacturer_id": ids["manufacturers"][n % len(ids["manufacturers"])],
            }
            for n in range(_many(count, 10, 400))
        ],
    )
    yield "locations", [{"kind": "site", "name": f"Site {n + 1}"} for n in range(_many(count, 1, 6))]
    sites = list(ids["locations"])
    yield from _rooms(ids, sites, _many(count, 4, 100))
    yield "departments", [{"name": f"Department {n + 1}"} for n in range(_many(count, 3, 25))]
    yield "persons", [_person(ids, n) for n in range(_many(count, 10, 3_000))]
    ids["technicians"] = ids["persons"][::5]


def _rooms(ids: dict[str, list[int]], sites: list[int], many: int) -> Iterable[tuple[str, list[dict[str, Any]]]]:
    yield "locations", [{"name": f"Room {n + 1}", "parent_id": sites[n % len(sites)]} for n in range(many // 2)]
    rooms = ids["locations"][len(sites) :]
    shelves = [
        {"kind": "shelf", "name": f"Shelf {n + 1}", "parent_id": rooms[n % len(rooms)]} for n in range(many // 2)
    ]
    yield "locations", shelves


def _person(ids: dict[str, list[int]], number: int) -> dict[str, Any]:
    return {
        "first_name": f"Given{number % 211}",
        "last_name": f"Family{number}",
        "email": f"person{number}@example.net",
        "is_technician": number % 5 == 0,
        "department_id": ids["departments"][number % len(ids["departments"])],
        "location_id": ids["locations"][number % len(ids["locations"])],
    }


def _many(count: int, least: int, most: int) -> int:
    """Return how many rows of a small table go with so many assets."""
    return max(least, min(most, count * most // 2_000))


def context_of(session: Any, household: Household) -> Context:
    """Return the owner's context over a session."""
    return make_context(session, household.tenant, household.owner)
