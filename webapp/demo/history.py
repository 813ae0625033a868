"""The year before today, day by day: what was bought, moved, serviced, broken, lost, found and sold, and by whom."""

import random
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from webapp.demo import happenings
from webapp.demo.books import Patch, Ref
from webapp.demo.catalog import CATEGORIES
from webapp.demo.diary import Act, Diary
from webapp.demo.fleet import DAYS, Fleet, Thing, site_of
from webapp.demo.happenings import CARETAKERS, DAMAGES, EXPEDITIONS, FINDS, SERVICES, Expedition, Stocktaking
from webapp.demo.own_fields import own_fields
from webapp.demo.people import PEOPLE, Employee
from webapp.demo.places import SITES

REQUESTABLE = ("media", "sound", "light", "drones", "survey")
INTUNE, BENCH = "Intune sync", "Workshop bench"
COMPANY_OF = {site.name: site.company for site in SITES}
PHONES = {site.name: site.phone for site in SITES}
LATELY = 75
CASE_NOTES = "The list of contents is in the lid. Count before and after every trip."
FIRST_KANA = 0x3040  # from here on the family is named first
TOP_OF = {name: top for _kind, top, below, *_rest in CATEGORIES for name in (top, *below)}


class Year(Diary):
    """Plays the year; every act it returns fits the state in which the acts before it left the things."""

    def __init__(self, source: random.Random, fleet: Fleet, today: date, *, rich: bool) -> None:
        super().__init__(source, today - timedelta(days=DAYS), DAYS, weekly=not rich)
        self.fleet, self.rich = fleet, rich
        self.status: dict[int, str] = {}
        self.away: set[int] = set()
        self._at_home: dict[tuple[str, str], list[Thing]] = defaultdict(list)

    def play(self) -> list[Act]:
        """Return all acts of the year in order."""
        self._plan_things(self.fleet.things)
        self._plan_happenings()
        for person in PEOPLE:
            if person.hired:
                self.when(DAYS - person.hired, self.hire, person)
            if person.left:
                self.when(DAYS - person.left, self.part_with, person)
        return self.write_down()

    def _plan_things(self, things: Iterable[Thing]) -> None:
        for thing in things:
            self.when(thing.day, self.receive, thing)
            if thing.case is None:
                self._at_home[thing.site, thing.product.pool].append(thing)
        for thing in self.source.sample(self.fleet.things, max(2, len(self.fleet.things) // 150)):
            self.when(self.between(thing.day + 1, DAYS), self.type_twice, thing)

    def _plan_happenings(self) -> None:
        trips = max(1, min(20, len(self.fleet.things) // 400))
        for trip in EXPEDITIONS:
            for again in range(trips):
                self.when(DAYS - trip.ago + again % 5, self.leave, trip)
        for ago in (0, 0, 0, 1, 1, 2):
            self.when(DAYS - ago, self.judge, self.source.choice(self.fleet.things))
        for audit in happenings.STOCKTAKINGS if self.rich else ():
            self.when(DAYS - audit.ago, self.take_stock, audit)
        for place in happenings.RENAMINGS:
            patch = {"name": place.name}
            self.when(DAYS - place.ago, self.act, place.by, "locations", "update", None, place.path, patch)
        for right in happenings.CORRECTIONS:
            price, why = {"default_purchase_cost": Decimal(right.price)}, "New price list"
            self.when(DAYS - right.ago, self.act, right.by, "products", "update", why, right.model, price)

    def _change(self, thing: Thing, actor: str, note: str | None = None, **patch: Any) -> None:
        if "status" in patch:
            self.status[thing.number] = patch["status"]
            patch["status_id"] = Ref("statuses", patch.pop("status"))
        if "place" in patch:
            patch["location_id"] = Ref("locations", patch.pop("place"))
        self.act(actor, "assets", "update", note, thing.number, patch)

    def _caretaker(self, thing: Thing) -> str:
        if self.day > DAYS - 300 and TOP_OF[thing.product.category] in ("Computers", "Office & network"):
            return "bjorn"
        return CARETAKERS[thing.site]

    def _is_here(self, thing: Thing) -> bool:
        return self.status.get(thing.number) == "Active" and thing.number not in self.away

    # How a thing comes into the books

    def receive(self, thing: Thing) -> None:
        """Book a thing in, now and then with a slip that somebody mends later."""
        first = self.day == 0
        status = "Active"
        if not first and self.source.random() < 0.5:
            status = "Pending Install"
            self.when(self.between(self.day + 4, self.day + 40), self.install, thing)
        self.status[thing.number] = status
        patch = self.description(thing) | {"status_id": Ref("statuses", status)}
        self._slip(thing, patch)
        note = "From the old spreadsheet" if first else None
        self.act("ines" if first else self._caretaker(thing), "assets", "create", note, thing.number, patch)
        self._plan_life(thing)

    def description(self, thing: Thing) -> Patch:
        """Return everything that is known of a thing when it comes."""
        product = thing.product
        last = self._last_service(thing)
        patch = {
            "name": thing.name,
            "serial_number": thing.serial,
            "product_id": Ref("products", product.model),
            "location_id": None if thing.case else Ref("locations", thing.home),
            "home_location_id": Ref("locations", thing.home),
            "department_id": Ref("departments", thing.department),
            "company_id": Ref("companies", COMPANY_OF[thing.site]),
            "supplier_id": Ref("suppliers", thing.supplier),
            "technician_id": Ref("persons", happenings.TECHNICIANS[thing.site]) if product.service else None,
            "parent_id": Ref("assets", thing.case.number) if thing.case else None,
            "purchased_on": thing.bought,
            "purchase_cost": thing.cost,
            "currency": thing.currency,
            "order_number": thing.order,
            "warranty_months": product.warranty or None,
            "maintenance_enabled": True if product.service else None,
            "maintenance_interval_days": product.service,
            "last_maintained_on": last,
            "condition": self._condition(thing),
            "ownership": "leased" if thing.product.pool == "vehicles" and thing.number % 2 else "company-owned",
            "notes": CASE_NOTES if thing.contents else None,
            "is_requestable": thing.product.pool in REQUESTABLE and thing.case is None,
            **own_fields(thing, self.source, last),
        }
        return {name: value for name, value in patch.items() if value is not None}

    def _condition(self, thing: Thing) -> int:
        """Return 5 for what is as new, less for what is old, with some luck."""
        years = (self.today() - thing.bought).days // DAYS
        return max(3, 5 - (years + self.source.randint(0, 1)) // 2)

    def _last_service(self, thing: Thing) -> date | None:
        """Return the last service before the thing came into the books."""
        interval, known = thing.product.service, self.start + timedelta(days=thing.day)
        if not interval or (known - thing.bought).days < interval:
            return None
        late = self.source.randint(0, max(1, interval // 2))
        return max(thing.bought + timedelta(days=interval), known - timedelta(days=late))

    def _slip(self, thing: Thing, patch: Patch) -> None:
        chance = self.source.random()
        soon = self.between(self.day + 1, self.day + 24)
        if chance < 0.04:
            patch["purchase_cost"] = thing.cost * 10
            self.when(soon, self.mend, thing, "A zero too many on the invoice", {"purchase_cost": thing.cost})
        elif chance < 0.12:
            del patch["order_number"]
            self.when(soon, self.mend, thing, None, {"order_number": thing.order})

    def mend(self, thing: Thing, note: str | None, patch: Patch) -> None:
        """Put right what was booked wrongly."""
        self._change(thing, "leila" if "purchase_cost" in patch else self._caretaker(thing), note, **patch)

    def type_twice(self, thing: Thing) -> None:
        """Book a thing in a second time by mistake, and delete that some days later."""
        if self.day < 2 or thing.number not in self.status:
            return
        twin = self.fleet.twin(thing)
        patch = self.description(twin) | {"status_id": Ref("statuses", "Active")}
        key = f"twin of {thing.number}"
        actor = self._caretaker(thing)
        self.act(actor, "assets", "create", None, key, patch)
        later = min(self.day + self.source.randint(1, 9), DAYS)
        self.when(later, self.act, actor, "assets", "delete", None, key, {})

    def install(self, thing: Thing) -> None:
        """Put a new thing to use."""
        if self.status[thing.number] == "Pending Install":
            self._change(thing, self._caretaker(thing), status="Active")

    # What happens to it

    def _plan_life(self, thing: Thing) -> None:
        """Draw what will happen to a thing in the rest of the year."""
        draws: tuple[tuple[float, Callable[..., None]], ...] = (
            (0.05, self.lose), (0.10, self.break_down), (0.09, self.rest), (0.08, self.rename), (0.05, self.resettle),
            (0.16, self.judge),
        )  # fmt: skip
        for chance, action in draws:
            if self.source.random() < chance * (1 if self.rich else 0.5):
                self.when(self.between(self.day + 5, DAYS - 1), action, thing)
        if thing.product.service:
            last = self._last_service(thing) or thing.bought
            due = (last - self.start).days + thing.product.service + self.source.randint(-12, 8)
            self.when(max(self.day + 3, due), self.serve, thing)
        age = self.fleet.today.toordinal() - thing.bought.toordinal()
        if age > thing.product.life * 25 and self.source.random() < 0.6:
            self.when(self.between(self.day + 30, DAYS - 1), self.retire, thing)

    def serve(self, thing: Thing) -> None:
        """Take a thing in for its service; of those due lately some are forgotten and stay overdue."""
        if self.day > DAYS - LATELY and self.source.random() < 0.35:
            return
        if not self._is_here(thing):
            self.when(self.day + 9, self.serve, thing)
            return
        word = SERVICES.get(TOP_OF[thing.product.category], "Service")
        self._change(thing, self._caretaker(thing), word, status="In Maintenance")
        self.when(self.between(self.day + 3, self.day + 26), self.finish, thing, word)

    def finish(self, thing: Thing, word: str) -> None:
        """Bring a thing back from its service."""
        if self.status[thing.number] != "In Maintenance":
            return
        actor = BENCH if thing.site == "Kraków" else self._caretaker(thing)
        self._change(thing, actor, f"{word} done", status="Active", last_maintained_on=self.today())
        self.when(self.day + (thing.product.service or DAYS), self.serve, thing)

    def break_down(self, thing: Thing) -> None:
        """Break a thing; most are mended."""
        if self._is_here(thing):
            self._change(thing, self._caretaker(thing), self.source.choice(DAMAGES), status="Broken", condition=2)
            if self.source.random() < 0.8:
                self.when(self.between(self.day + 10, self.day + 70), self.repair, thing)

    def repair(self, thing: Thing) -> None:
        """Mend a broken thing."""
        if self.status[thing.number] == "Broken":
            self._change(thing, "zeynep", "Repaired in the workshop", status="Active", condition=4)

    def lose(self, thing: Thing) -> None:
        """Lose a thing; half of them are found."""
        if not self._is_here(thing):
            return
        self._change(thing, self._caretaker(thing), "Not at its place", status="Lost")
        if self.source.random() < 0.55:
            self.when(self.between(self.day + 3, self.day + 70), self.find, thing)

    def find(self, thing: Thing) -> None:
        """Find a lost thing."""
        if self.status[thing.number] == "Lost":
            self._change(thing, self._caretaker(thing), self.source.choice(FINDS), status="Active")

    def rest(self, thing: Thing) -> None:
        """Put a thing aside for a while."""
        if self._is_here(thing):
            self._change(thing, self._caretaker(thing), status="Idle")
            self.when(self.between(self.day + 20, self.day + 150), self.wake, thing)

    def wake(self, thing: Thing) -> None:
        """Use a thing again that was put aside."""
        if self.status[thing.number] == "Idle":
            self._change(thing, self._caretaker(thing), status="Active")

    def rename(self, thing: Thing) -> None:
        """Give a thing another name: a computer that of who uses it, by the API; others a number."""
        if self.status[thing.number] in ("Retired", "Sold", "Donated", "Disposed"):
            return
        if TOP_OF[thing.product.category] == "Computers":
            who = self.source.choice([person for person in PEOPLE if site_of(person.place) == thing.site])
            self._change(thing, INTUNE, None, name=f"{thing.product.name}, {shown_name(who)}")
        else:
            self._change(thing, self._caretaker(thing), None, name=f"{thing.name}, no. {self.source.randint(2, 9)}")

    def resettle(self, thing: Thing) -> None:
        """Give a thing another home."""
        others = [home for home in self.fleet.homes_of(thing) if home != thing.home]
        if self._is_here(thing) and others and thing.case is None and not thing.contents:
            thing.home = self.source.choice(others)
            home = Ref("locations", thing.home)
            self._change(thing, self._caretaker(thing), "New home", place=thing.home, home_location_id=home)

    def judge(self, thing: Thing) -> None:
        """Note how good a thing still is; an instrument may turn out to be out of tolerance."""
        if not self._is_here(thing):
            return
        if TOP_OF[thing.product.category] in ("Laboratory", "Survey", "Safety & radio") and self.source.random() < 0.4:
            self._change(thing, "zeynep", "Out of tolerance", status="Non-Compliant", condition=3)
            if self.source.random() < 0.6:
                self.when(self.between(self.day + 10, self.day + 60), self.adjust, thing)
        else:
            self._change(thing, self._caretaker(thing), None, condition=self.source.choice((3, 4, 4, 5)))

    def adjust(self, thing: Thing) -> None:
        """Take a thing that is out of tolerance into the workshop."""
        self._change(thing, "zeynep", "Adjustment", status="In Maintenance")
        self.when(self.between(self.day + 5, self.day + 30), self.finish, thing, "Adjustment")

    def retire(self, thing: Thing) -> None:
        """Retire a thing that has served its time; some are then sold, given away or scrapped."""
        if not self._is_here(thing) or thing.case or thing.contents:
            return
        self._change(thing, self._caretaker(thing), "At the end of its life", status="Retired")
        if self.source.random() < 0.5:
            self.when(self.between(self.day + 10, self.day + 60), self.dispose, thing)

    def dispose(self, thing: Thing) -> None:
        """Part with a retired thing."""
        word = self.source.choice(("Sold", "Donated", "Disposed"))
        self._change(thing, "leila", None, status=word)

    # What happens to many at once

    def leave(self, trip: Expedition) -> None:
        """Send things on an expedition, kits whole; some travel a few days before they arrive.

        What lies in a case goes where the case goes, by the rule.
        """
        at_home = [thing for pool in trip.pools.split() for thing in self._at_home[trip.leaves, pool]]
        fit = [thing for thing in at_home if self._is_here(thing)]
        taken = self.source.sample(fit, min(len(fit), trip.things))
        packed = [part for thing in taken for part in (thing, *thing.contents) if self._is_here(part)]
        far = site_of(trip.goes_to) != trip.leaves and trip.days > 30
        for thing in packed:
            self.away.add(thing.number)
            if far:
                self._change(thing, trip.led_by, trip.name, status="In Transit")
            elif thing.case is None:
                self._change(thing, trip.led_by, trip.name, place=trip.goes_to)
        if far and packed:
            self.when(self.day + self.source.randint(2, 6), self.arrive, trip, packed)
        self.when(self.day + trip.days, self.come_back, trip, packed)

    def arrive(self, trip: Expedition, packed: list[Thing]) -> None:
        """Unpack what was on its way."""
        for thing in packed:
            place = {} if thing.case else {"place": trip.goes_to}
            self._change(thing, trip.led_by, f"{trip.name}, arrived", status="Active", **place)

    def come_back(self, trip: Expedition, packed: list[Thing]) -> None:
        """Put things back where they belong."""
        for thing in packed:
            self.away.discard(thing.number)
            if thing.case is None:
                self._change(thing, trip.led_by, f"Back from {trip.name}", place=thing.home)

    def take_stock(self, audit: Stocktaking) -> None:
        """Look at everything of a site that should be there."""
        for thing in self.fleet.things:
            if thing.site == audit.site and self.status.get(thing.number) in ("Active", "Idle"):
                following = self.today() + timedelta(days=DAYS)
                if thing.number not in self.away:
                    self._change(thing, audit.by, audit.name, last_audited_on=self.today(), next_audit_on=following)

    def hire(self, person: Employee) -> None:
        """Welcome somebody."""
        self.act("ines", "persons", "create", None, person.login, person_patch(person))

    def part_with(self, person: Employee) -> None:
        """Note that somebody has left."""
        self.act("ines", "persons", "update", "Last day", person.login, {"is_archived": True})


def shown_name(person: Employee) -> str:
    """Return the name by which somebody is called: where they come from, perhaps the family's first."""
    if ord(person.first[0]) >= FIRST_KANA:
        return person.last + person.first
    return f"{person.first} {person.last}"


def person_patch(person: Employee, number: int | None = None) -> Patch:
    """Return what is known of somebody; `number` is their place in the list of employees."""
    order = PEOPLE.index(person) + 101 if number is None else number
    patch: Patch = {
        "first_name": person.first,
        "last_name": person.last,
        "name": shown_name(person),
        "email": f"{person.login}@kestrel.example",
        "username": person.login,
        "phone": f"{PHONES[site_of(person.place)]} ext. {order % 1000}",
        "title": person.title,
        "department_id": Ref("departments", person.department),
        "company_id": Ref("companies", COMPANY_OF[site_of(person.place)]),
        "location_id": Ref("locations", person.place),
        "is_technician": person.technician,
        "employee_number": f"KFR-{order:04d}",
    }
    if person.manager:
        patch["manager_id"] = Ref("persons", person.manager)
    return patch
