"""Which things Kestrel Field Research has: copies of products, each with a home, a price and a serial number."""

import random
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from itertools import cycle

from webapp.assets.rules import add_months
from webapp.demo.people import DEPARTMENTS, PEOPLE
from webapp.demo.places import homes
from webapp.demo.products import KITS, PRODUCTS, Product
from webapp.demo.records import SUPPLIERS

YEARS, DAYS = 4, 365
DIGITS, CAPITALS = "0123456789", "ABCDEFGHJKLMNPQRSTUVWXYZ"
# What a site pays in when it buys by itself, and how many of these a euro is.
CURRENCIES = {"Christchurch": ("NZD", Decimal("1.92")), "Nairobi": ("USD", Decimal("1.11"))}
DEPARTMENT_OF = {
    "media": "Film unit", "kits": "Film unit", "edit": "Film unit", "sound": "Sound & light", "light": "Sound & light",
    "studio": "Sound & light", "lab": "Optics lab", "servers": "Information technology", "power": "Logistics",
    "network": "Information technology", "spare": "Information technology", "printers": "Information technology",
    "survey": "Survey & mapping", "sensors": "Water & soil", "clinic": "Field medicine", "drones": "Drones",
    "boats": "Polar operations", "vehicles": "Logistics", "tools": "Workshop", "workshop": "Workshop",
    "safety": "Polar operations",
}  # fmt: skip
# What is added to a product's name, so that one reads what a thing is.
NOUNS = {
    "Cinema cameras": "body", "Mirrorless cameras": "body", "Microphones": "microphone", "Recorders": "recorder",
    "Wireless systems": "radio microphone", "Headphones": "headphones", "Lights": "light", "Tripods": "tripod",
    "Gimbals": "gimbal", "Monitors": "monitor", "Multirotors": "drone", "Fixed wing": "drone",
    "Total stations": "total station", "GNSS receivers": "GNSS receiver", "Laser scanners": "scanner",
    "Resuscitation": "defibrillator", "Generators": "generator", "Power stations": "power station",
    "Radios": "radio", "Satellite phones": "satellite phone", "Avalanche": "transceiver", "Snowmobiles": "snowmobile",
}  # fmt: skip


@dataclass(eq=False)
class Thing:
    """One asset to be: what it is, where it is at home, and since which day of the year (0 the first) it is known."""

    number: int
    product: Product
    name: str
    serial: str
    bought: date
    cost: Decimal
    currency: str
    home: str
    department: str
    supplier: str
    order: str
    day: int = 0
    case: "Thing | None" = None
    contents: list["Thing"] = field(default_factory=list)

    @property
    def site(self) -> str:
        """Return the name of the site where it is at home."""
        return self.home.partition(" / ")[0]


class Fleet:
    """Makes things from a random source, so that the same seed gives the same fleet."""

    def __init__(self, source: random.Random, today: date) -> None:
        self.source, self.today = source, today
        self.start = today - timedelta(days=DAYS)
        self.things: list[Thing] = []
        self._serials: set[str] = set()
        self._homes = {pool: cycle(homes(pool)) for pool in {p.pool for p in PRODUCTS} | {kit.pool for kit in KITS}}
        self._by_model = {product.model: product for product in PRODUCTS}
        self._suppliers = defaultdict(list)
        for supplier in SUPPLIERS:
            for pool in supplier.sells.split():
                self._suppliers[pool].append(supplier.name)

    def fill(self, count: int) -> list[Thing]:
        """Return so many things, whole kits among them, in the order in which they became known."""
        for number in range(count * len(KITS) // 400):
            kit = KITS[number % len(KITS)]
            if len(self.things) + 1 + len(kit.contents) <= count:
                self._add_kit(number)
        rest = count - len(self.things)
        shares = sum(product.share for product in PRODUCTS)
        self.source.shuffle(models := [p for p in PRODUCTS for _ in range(p.share)])
        for number in range(rest):
            self._add(models[number % shares])
        self.things.sort(key=lambda thing: (thing.day, thing.case is not None))
        for number, thing in enumerate(self.things):
            thing.number = number
        return self.things

    def twin(self, thing: Thing) -> Thing:
        """Return what somebody typed by mistake: the same thing again, with a slip in its serial number."""
        wrong = f"{thing.serial[:-1]}{'O' if thing.serial.endswith('0') else '0'}-"
        return Thing(**{**vars(thing), "serial": wrong, "case": None, "contents": []})

    def homes_of(self, thing: Thing) -> list[str]:
        """Return the places of its site where a thing may be at home."""
        return [home for home in homes(thing.product.pool) if site_of(home) == thing.site]

    def _add_kit(self, number: int) -> None:
        kit, again = KITS[number % len(KITS)], number // len(KITS)
        name = f"{kit.name}, {again + 1}" if again else kit.name
        home = next(self._homes[kit.pool])
        case = self._add(self._by_model[kit.case], home=home, department=kit.department, early=True)
        case.name = f"Case, {name}"
        for model in kit.contents:
            part = self._add(self._by_model[model], home=home, department=kit.department, early=True)
            part.name, part.case = f"{part.name}, {name}", case
            case.contents.append(part)

    def _add(
        self, product: Product, *, home: str | None = None, department: str | None = None, early: bool = False
    ) -> Thing:
        bought = self._bought(product, early=early)
        home = home or next(self._homes[product.pool])
        site = home.partition(" / ")[0]
        currency, rate = CURRENCIES.get(site if self.source.random() < 0.5 else "", ("EUR", Decimal(1)))
        price = Decimal(product.price) * rate * Decimal(self.source.choice((92, 95, 97, 100, 100, 100, 102))) / 100
        known = (bought - self.start).days + self.source.randint(2, 12)
        thing = Thing(
            number=len(self.things),
            product=product,
            name=" ".join(filter(None, (product.name, NOUNS.get(product.category)))),
            serial=self._serial(product.serial),
            bought=bought,
            cost=price.quantize(Decimal("0.01")),
            currency=currency,
            home=home,
            department=department or self._department(product.pool, site),
            supplier=self.source.choice(self._suppliers[product.pool]),
            order=f"PO-{bought.year}-{self.source.randint(1, 9999):04d}",
            day=min(max(known, 0), DAYS) if bought > self.start else 0,
        )
        self.things.append(thing)
        return thing

    def _bought(self, product: Product, *, early: bool) -> date:
        """Return the day of purchase: evenly over four years, seldom beyond its life; a few warranties end soon."""
        newest = DAYS + 1 if early else 3
        ago = self.source.randint(newest, YEARS * DAYS)
        if ago > product.life * 30 and self.source.random() < 0.8:
            ago = self.source.randint(newest, max(newest, product.life * 30))
        day = self.today - timedelta(days=ago)
        if product.warranty and self.source.random() < 0.04:
            soon = add_months(self.today + timedelta(days=self.source.randint(3, 45)), -product.warranty)
            day = soon if soon < self.start or not early else day
        return day

    def _department(self, pool: str, site: str) -> str:
        if pool in DEPARTMENT_OF:
            return DEPARTMENT_OF[pool]
        there = sorted({person.department for person in PEOPLE if person.place.startswith(site)})
        return self.source.choice(there or [DEPARTMENTS[0].name])

    def _serial(self, style: str) -> str:
        """Return a serial number of a maker's style that nothing else has."""
        kinds = {"#": DIGITS, "@": CAPITALS, "?": DIGITS + CAPITALS}
        while True:
            found = "".join(self.source.choice(kinds[mark]) if mark in kinds else mark for mark in style)
            if found not in self._serials:
                self._serials.add(found)
                return found


def site_of(path: str) -> str:
    """Return the name of the site that a path begins with."""
    return path.partition(" / ")[0]
