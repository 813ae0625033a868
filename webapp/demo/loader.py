"""Loads the demo organization: it begins a year ago, and everything in it is done by the rules at its own moment."""

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, time, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from flask_babel import force_locale

from webapp.accounts.founding import Founding, create_organization
from webapp.accounts.invitations import invite
from webapp.catalog.rules import STATUSES as SEEDED
from webapp.core import identity
from webapp.core.database import utcnow
from webapp.core.tenancy import new_session
from webapp.demo.books import Books, Patch
from webapp.demo.diary import Act
from webapp.demo.fleet import DAYS, Fleet
from webapp.demo.history import Year, person_patch
from webapp.demo.people import DOMAIN, INVITED, NAME_POOLS, PEOPLE, Employee
from webapp.demo.records import EXPORTS
from webapp.demo.setting_up import Beginning

NAME = "Kestrel Field Research"
EMAIL, PASSWORD = f"ines@{DOMAIN}", "kestrel demo 2026"
ZONE = "Europe/Lisbon"
SEED = 2026
STATUSES = tuple(name for name, *_rest in SEEDED)
# Above this many assets the yearly audits are left out: a line an asset more.
RICH, MOST_PEOPLE = 1_000, 2_000
OPENS, OPEN_FOR, DRAWN_UP = time(8, 10), timedelta(hours=10), timedelta(days=2)
SENTENCE = f"{NAME}: sign in as {EMAIL} with the password {PASSWORD}"
MANY = 5_000
COUNTS = {"create": 1, "delete": -1}
Say = Callable[[str], None]


def load_demo(assets: int, say: Say) -> bool:
    """Make the demo organization with so many assets; False when it is there already.

    Commits as it goes; `say` is told how far it is.
    """
    if identity.find_user(EMAIL) is not None:
        return False
    now = utcnow()
    source = random.Random(SEED)  # noqa: S311 a demo may be foreseen, it is even meant to be
    today = now.astimezone(ZoneInfo(ZONE)).date()
    opening = datetime.combine(today - timedelta(days=DAYS) - DRAWN_UP, OPENS, ZoneInfo(ZONE)).astimezone(UTC)
    fleet = Fleet(source, today)
    fleet.fill(assets)
    organization_id = identity.reserve_organization_id()
    with new_session(organization_id, write=True) as session, force_locale("en"):
        founding = Founding(
            NAME, EMAIL, PASSWORD, admin_name="Inês Carvalho", timezone=ZONE, locale="en_GB", at=opening
        )
        owner = create_organization(session, organization_id, founding)
        books = Books(session, owner.tenant)
        books.add_person("ines", owner.actor.name, "owner", owner.actor.user_id or 0)
        books.know(owner, "persons", "email_key", {"ines": EMAIL})
        books.know(owner, "statuses", "name", {name: name for name in STATUSES})
        Beginning(books, opening, today, PASSWORD).fill(_more_people(source, assets))
        _write_year(books, Year(source, fleet, today, rich=assets <= RICH), now, say)
        for login, role in INVITED:
            invite(books.as_of("ines", now), email=f"{login}@{DOMAIN}", role=role)
        books.write(books.as_of("ines", now), "exports", [(export["name"], export) for export in EXPORTS])
        session.commit()
    return True


def _write_year(books: Books, year: Year, now: datetime, say: Say) -> None:
    """Write what the year brought; tell after each month, and each time many assets have come."""
    known = told = 0
    for month, acts in groupby(_timed(year, now), lambda timed: f"{timed[1]:%B %Y}"):
        for act, at in acts:
            context = books.as_of(act.actor, at)
            if act.verb == "delete":
                books.delete(context, act.kind, [key for key, _patch in act.rows])
            else:
                books.write(context, act.kind, act.rows, act.note)
            known += len(act.rows) * COUNTS.get(act.verb, 0) if act.kind == "assets" else 0
            if known >= told + MANY:
                told = known
                say(f"{month}: {known:,} assets")
        say(f"{month}: {known:,} assets in the books")


def _timed(year: Year, now: datetime) -> Iterator[tuple[Act, datetime]]:
    """Yield the acts with their moments: at irregular times of the working day, in order, and none after now."""
    last = now - timedelta(days=2 * DAYS)
    for day, group in groupby(year.play(), lambda act: act.day):
        acts = list(group)
        opens = datetime.combine(year.start + timedelta(days=day), OPENS, ZoneInfo(ZONE))
        ends = min(opens + OPEN_FOR, now - timedelta(minutes=1))
        begins = max(last, min(opens, ends - timedelta(hours=1)))
        times = sorted(year.source.random() for _act in acts)
        for act, part in zip(acts, times, strict=True):
            last = begins + (ends - begins) * part
            yield act, last.astimezone(UTC).replace(microsecond=last.microsecond // 1000 * 1000)


def _more_people(source: random.Random, assets: int) -> Iterator[tuple[str, Patch]]:
    """Yield further people for a larger demo, one for each forty assets."""
    titles = ("Field assistant", "Volunteer", "Researcher", "Driver", "Technician")
    for number in range(min((assets - 400) // 40, MOST_PEOPLE)):
        given, family = NAME_POOLS[number % len(NAME_POOLS)]
        lead = source.choice([person for person in PEOPLE if person.manager == "ines" and not person.hired])
        login = f"field.{number + 1:04d}"
        person = Employee(
            login,
            source.choice(given),
            source.choice(family),
            titles[number % 5],
            lead.department,
            lead.place,
            lead.login,
        )
        yield login, person_patch(person, 1000 + number)
