"""A small believable organization: a field research institute with its places, people and kit."""

from datetime import timedelta
from typing import Any

from flask_babel import force_locale

from webapp.accounts.founding import Founding, found_organization
from webapp.assets.rules import add_months
from webapp.core import identity
from webapp.core.context import Context, make_context
from webapp.core.lookup import ids_by_name, make_named
from webapp.core.resource import registry
from webapp.core.sync import sync
from webapp.core.tenancy import new_session
from webapp.core.writes import create

NAME, SLUG = "Kestrel Field Research", "kestrel-field-research"
EMAIL, PASSWORD = "ines@kestrel.example", "kestrel demo 2026"
PLACES = (
    "Lisbon / Media store / Shelf 3",
    "Lisbon / IT store",
    "Lisbon / Floor 2",
    "Lisbon / Optics lab",
    "Rotterdam / Yard",
    "Rotterdam / Server room",
    "Kraków / Workshop",
    "Kraków / Office",
    "Nairobi / Store A",
    "Nairobi / Field clinic",
    "Christchurch / Field base",
)
PEOPLE = (
    ("Amara", "Okafor", "Camera operator", "Lisbon"),
    ("Nguyễn Thị", "Lan", "Data scientist", "Lisbon / Floor 2"),
    ("Tāne", "Parata", "Drone pilot", "Christchurch"),
    ("Mateusz", "Wójcik", "Surveyor", "Kraków / Office"),
    ("Leila", "Haddad", "Logistics", "Rotterdam"),
    ("Chidi", "Nwosu", "Technician", "Nairobi / Store A"),
    ("Zeynep", "Aydın", "Workshop lead", "Kraków / Workshop"),
    ("Min-jun", "Park", "Auditor", "Lisbon"),
    ("João Pedro", "Siqueira", "Stock keeper", "Lisbon / Media store"),
    ("Priya", "Raghunathan", "Optics engineer", "Lisbon / Optics lab"),
    ("Björn", "Håkansson", "IT", "Rotterdam / Server room"),
    ("Sofía", "Quispe Mamani", "Field nurse", "Nairobi / Field clinic"),
)
# category, maker, product, model number, price in EUR, warranty in months, how many, places
KIT: tuple[tuple[str, str, str, str, str, int, int, tuple[str, ...]], ...] = (
    ("Camera", "Sony", "FX3", "ILME-FX3", "3949.00", 24, 3, ("Lisbon / Media store / Shelf 3",)),
    ("Lens", "Sony", "FE 24-70mm f/2.8 GM II", "SEL2470GM2", "2099.00", 24, 3, ("Lisbon / Media store / Shelf 3",)),
    (
        "Laptop",
        "Lenovo",
        "ThinkPad T14 Gen 5",
        "21ML004MGE",
        "1398.00",
        36,
        9,
        ("Lisbon / IT store", "Kraków / Office"),
    ),
    ("Laptop", "Apple", "MacBook Pro 14 M4 Pro", "MX2H3", "2431.00", 12, 5, ("Lisbon / Floor 2", "Rotterdam")),
    ("Tablet", "Apple", "iPad Air 11 M2", "MUWC3", "719.00", 12, 6, ("Nairobi / Store A", "Lisbon / IT store")),
    ("Drone", "DJI", "Matrice 350 RTK", "M350-RTK", "9900.00", 12, 2, ("Christchurch / Field base",)),
    ("Total station", "Leica", "TS07 1″ R500", "TS07", "14206.00", 12, 2, ("Kraków / Workshop",)),
    (
        "Multimeter",
        "Fluke",
        "87V True-RMS",
        "FLUKE-87-5",
        "412.00",
        36,
        5,
        ("Lisbon / Optics lab", "Kraków / Workshop"),
    ),
    ("Oscilloscope", "Rigol", "DHO924S", "DHO924S", "1530.75", 36, 2, ("Lisbon / Optics lab",)),
    ("Vehicle", "Volkswagen", "Transporter, 9-seat", "T6.1", "38240.00", 24, 2, ("Rotterdam / Yard",)),
    ("Rotary hammer", "Hilti", "TE 30-22", "TE30-22", "886.20", 24, 3, ("Nairobi / Store A",)),
    ("Refrigerator", "Vestfrost", "VLS 204A vaccine", "VLS-204A", "2190.00", 24, 2, ("Nairobi / Field clinic",)),
    ("Projector", "Epson", "EB-L530U laser", "V11HA27040", "1744.90", 60, 2, ("Rotterdam",)),
    ("Printer", "Zebra", "ZD421 203 dpi", "ZD4A042-D0EM00EZ", "502.60", 24, 2, ("Lisbon / IT store",)),
    ("Server", "Dell", "PowerEdge R760", "R760", "9860.00", 36, 3, ("Rotterdam / Server room",)),
    ("Monitor", "Dell", "UltraSharp U2725QE", "U2725QE", "588.00", 36, 8, ("Lisbon / Floor 2", "Kraków / Office")),
)
STATES = {7: "In Maintenance", 13: "Idle", 19: "Lost", 26: "Non-Compliant", 33: "Pending Install", 47: "Retired"}


def load_demo() -> str:
    """Make the demo organization unless it is there; return the sentence that tells how to sign in."""
    tenant = identity.organization_by_slug(SLUG)
    if tenant is None:
        founding = Founding(
            NAME, EMAIL, PASSWORD, admin_name="Inês Carvalho", currency="EUR", timezone="Europe/Lisbon", locale="en_GB"
        )
        owner = found_organization(founding)
        with new_session(owner.organization_id, write=True) as session, force_locale("en"):
            _fill(make_context(session, owner.tenant, owner.actor))
            session.commit()
    return f"{NAME}: sign in as {EMAIL} with the password {PASSWORD}"


def _fill(context: Context) -> None:
    locations = registry.resources["locations"]
    for path in PLACES:
        if path not in ids_by_name(context, locations, [path]):
            make_named(context, locations, path, {})
    for first, last, title, place in PEOPLE:
        email = f"{first.split()[0].split('-')[0].lower()}@kestrel.example"
        patch = {"first_name": first, "last_name": last, "title": title, "email": email}
        create(
            context,
            registry.resources["persons"],
            {**patch, "location_id": ids_by_name(context, locations, [place])[place]},
        )
    rows = [row for kit in KIT for row in _copies(context, *kit)]
    result = sync(context, registry.resources["assets"], rows, frozenset())
    assert not result["failed"], result["failed"][:3]  # noqa: S101 the data above is ours


def _copies(
    context: Context,
    category: str,
    maker: str,
    product: str,
    model: str,
    price: str,
    warranty: int,
    count: int,
    places: tuple[str, ...],
) -> list[dict[str, Any]]:
    """Return the rows of so many copies of one product, bought over the last three years."""
    product_id = _product(context, category, maker, product, model)
    rows: list[dict[str, Any]] = []
    for number in range(count):
        seed = sum(map(ord, product)) + number * 97
        bought = context.today - timedelta(days=40 + seed % 1000)
        row = {
            "name": product,
            "serial_number": f"{maker[:2].upper()}{model[:3].upper().replace('-', '')}{seed * 7919 % 10**7:07d}",
            "product_id": product_id,
            "location": places[number % len(places)],
            "purchased_on": bought.isoformat(),
            "purchase_cost": price,
            "warranty_months": warranty,
            "order_number": f"PO-{bought.year}-{seed % 1000:04d}",
            "end_of_life_on": add_months(bought, 60).isoformat(),
            "status": STATES.get(seed % 50, "Active"),
        }
        rows.append(row)
    return rows


def _product(context: Context, category: str, maker: str, product: str, model: str) -> int:
    ids = {}
    for kind, name in (("categories", category), ("manufacturers", maker)):
        resource = registry.resources[kind]
        ids[kind] = ids_by_name(context, resource, [name]).get(name) or make_named(context, resource, name, {})
    patch = {"name": product, "model_number": model, "category_id": ids["categories"]}
    return create(context, registry.resources["products"], {**patch, "manufacturer_id": ids["manufacturers"]})
