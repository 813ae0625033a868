"""What stands in the custom fields of the demo's things: sensors, plates, flight hours, calibrations."""

import random
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from webapp.catalog.custom_fields import slug_of
from webapp.demo.catalog import FIELD_SETS, FIELDS
from webapp.demo.fleet import CAPITALS, DIGITS, Thing

KINDS = {field.name: field.kind for field in FIELDS}
# How number plates look where a vehicle is at home.
PLATES = {
    "Lisbon": "@@-##-@@", "Rotterdam": "@-###-@@", "Kraków": "KR #@@##", "Nairobi": "KD@ ###@", "Tromsø": "ZN #####",
    "Christchurch": "@@@###", "Keelung": "@@@-####",
}  # fmt: skip


def own_fields(thing: Thing, source: random.Random, calibrated: date | None) -> dict[str, Any]:
    """Return {`custom.<slug>`: value} of what is known of a thing beside the common fields."""
    found = dict(_values(thing, source, calibrated))
    return {f"custom.{slug_of(name)}": value for name, value in found.items() if value is not None}


def _values(thing: Thing, source: random.Random, calibrated: date | None) -> Iterator[tuple[str, Any]]:
    for pair in filter(None, thing.product.custom.split("|")):
        name, _sign, text = pair.partition("=")
        yield name, Decimal(text) if KINDS[name] == "number" else text == "yes" if KINDS[name] == "boolean" else text
    field_set = FIELD_SETS.get(thing.product.category)
    if field_set == "Camera":
        yield "Shutter count", Decimal(source.randint(900, 61_000))
    elif field_set == "Vehicle":
        yield "Plate", _drawn(PLATES.get(thing.site, "@@ ####"), source)
        yield "Next inspection", thing.bought + timedelta(days=source.choice((1461, 1826)))
    elif field_set == "Drone":
        yield "Operator registration", _drawn("PRT@#@@##@####", source).lower()
        yield "Flight hours", Decimal(source.randint(40, 4_000)) / 10
    elif field_set == "Instrument" and calibrated:
        yield "Calibrated on", calibrated
        yield "Certificate", f"https://haldenroe.example/certificates/{calibrated:%Y}/{source.randint(10_000, 99_999)}"
    if thing.cost > 5_000:
        insurers = ("Southern Cross",) if thing.site == "Christchurch" else ("Allianz", "Fidelidade")
        yield "Insured with", source.choice(insurers)


def _drawn(style: str, source: random.Random) -> str:
    return "".join(source.choice({"#": DIGITS, "@": CAPITALS}.get(mark, mark)) for mark in style)
