"""The demo organization: it loads, it is believable, and everything in it was done by the rules."""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from tests.conftest import NewDatabase
from tests.households import Household, anonymous_client
from webapp.assets.rules import may_follow
from webapp.catalog.rules import STATUSES
from webapp.core import identity
from webapp.core.access import permissions_of
from webapp.core.activity import Activity
from webapp.core.batch import plan_rows
from webapp.core.context import Actor, Context
from webapp.core.custom import revived, tailor
from webapp.core.database import table_of, utcnow
from webapp.core.labels import label_rows
from webapp.core.resource import registry
from webapp.core.tenancy import CHECKED, scoped
from webapp.demo.fleet import Fleet
from webapp.demo.history import BENCH, INTUNE, Year
from webapp.demo.loader import EMAIL, PASSWORD
from webapp.demo.people import MEMBERS, PEOPLE

NOON_IN_MAY = date(2027, 5, 4)
NewApp = Callable[..., Flask]


def demo_on(app: Flask) -> Household:
    """Return the demo organization that an application has."""
    tenant = identity.organization_by_slug("kestrel-field-research")
    assert tenant is not None
    owner = Actor(name="Inês Carvalho", role="owner", permissions=permissions_of("owner"), face="cli")
    return Household(app, tenant, owner, EMAIL)


@pytest.fixture(scope="module")
def demo_app(new_app: NewApp, new_database: NewDatabase) -> Flask:
    """Return an application on a database of its own, into which the demo has been loaded by its command."""
    app = new_app(new_database())
    done = app.test_cli_runner().invoke(args=["demo", "load"])
    assert done.exit_code == 0, done.output
    return app


@pytest.fixture
def demo(demo_app: Flask) -> Iterator[Context]:
    """Return a unit of work of the demo's owner."""
    with demo_app.app_context(), demo_on(demo_app).context() as context:
        yield context


def rows_of(context: Context, name: str) -> list[dict]:
    """Return the living rows of a resource."""
    table = registry.resources[name].table
    query = select(table).where(scoped(context.session, table), table.c.deleted_at.is_(None))
    return [dict(row) for row in context.session.execute(query, execution_options=CHECKED).mappings()]


def lines_of(context: Context) -> list[dict]:
    """Return the whole log, in the order in which it was written."""
    table = table_of(Activity)
    query = select(table).where(scoped(context.session, table)).order_by(table.c.id)
    return [dict(row) for row in context.session.execute(query, execution_options=CHECKED).mappings()]


@pytest.mark.both_databases
def test_it_has_something_of_everything(demo: Context) -> None:
    counts = {name: len(rows_of(demo, name)) for name in ("assets", "persons", "products", "locations")}

    assert counts["assets"] == 400
    assert counts["persons"] == 50
    assert counts["products"] > 100
    assert counts["locations"] > 130
    for name in ("companies", "departments", "customers", "suppliers", "custom-fields", "field-sets"):
        assert len(rows_of(demo, name)) >= 5, name


def test_every_kind_and_every_method_is_shown(demo: Context) -> None:
    kinds = {row["kind"] for row in rows_of(demo, "categories")}
    methods = {row["method"] for row in rows_of(demo, "depreciations")}

    assert kinds == {"asset", "accessory", "component", "consumable", "license", "inventory"}
    assert methods == {"straight_line", "declining", "double_declining", "sum_of_years"}


def test_things_are_in_many_states_but_most_are_active(demo: Context) -> None:
    statuses = label_rows(demo, "statuses")

    found = Counter(statuses[row["status_id"]]["lifecycle"] for row in rows_of(demo, "assets"))

    assert len(found) >= 7
    assert 300 < found["active"] < 380


def test_names_are_of_many_scripts(demo: Context) -> None:
    names = " ".join(row["name"] for row in rows_of(demo, "persons"))

    assert {"李秀英", "Наталія", "Nguyễn", "Ελένη", "José-María", "Amara"} <= set(names.split())


def test_the_log_tells_a_year_in_order(demo: Context) -> None:
    moments = [line["at"] for line in lines_of(demo)]

    assert moments == sorted(moments)
    assert timedelta(days=364) < utcnow() - moments[0] < timedelta(days=370)
    assert timedelta(0) <= utcnow() - moments[-1] < timedelta(days=1)
    assert len({moment.strftime("%Y-%m") for moment in moments}) in (12, 13)


@pytest.mark.both_databases
def test_the_log_is_whole(demo_app: Flask) -> None:
    done = demo_app.test_cli_runner().invoke(args=["activity", "verify"])

    assert done.output == "ok\n"


def test_many_people_and_both_keys_did_something(demo: Context) -> None:
    actors = Counter((line["actor_name"], line["face"]) for line in lines_of(demo))

    assert len(actors) >= 9
    assert actors[INTUNE, "api"] > 1
    assert actors[BENCH, "api"] > 1


def test_things_are_as_old_as_their_first_line_and_changed_with_their_last(demo: Context) -> None:
    times: dict[int, list[datetime]] = {}
    for line in lines_of(demo):
        if line["item_type"] == "assets":
            times.setdefault(line["item_id"], []).append(line["at"])

    for row in rows_of(demo, "assets"):
        assert (row["created_at"], row["updated_at"]) == (times[row["id"]][0], times[row["id"]][-1])


def test_every_asset_sent_back_as_it_is_passes_its_rules_and_changes_nothing(demo: Context) -> None:
    assets = tailor(demo, registry.resources["assets"])
    rows = rows_of(demo, "assets")
    own = {name: item for name, item in assets.writable.items() if name in assets.stored}
    pairs = []
    for row in rows:
        custom = {n: revived(i, row["custom"].get(str(i.custom_id))) for n, i in assets.customs.items()}
        pairs.append((row, {n: row[i.column] for n, i in own.items()} | {n: v for n, v in custom.items() if v}))

    drafts = plan_rows(demo, assets, pairs)

    assert {str(draft.errors) for draft in drafts} == {"{}"}
    assert [draft.changes for draft in drafts if draft.changes] == []


def test_what_lies_in_a_case_is_where_the_case_is(demo: Context) -> None:
    rows = {row["id"]: row for row in rows_of(demo, "assets")}

    inside = [row for row in rows.values() if row["parent_id"]]

    assert len(inside) > 30
    assert all(row["location_id"] == rows[row["parent_id"]]["location_id"] for row in inside)


def test_dates_fall_around_today(demo: Context) -> None:
    rows, today = rows_of(demo, "assets"), demo.today
    ends = [row["warranty_expires_on"] for row in rows if row["warranty_expires_on"]]
    services = [row["next_maintenance_on"] for row in rows if row["next_maintenance_on"]]

    assert sum(day < today for day in ends) > 50
    assert sum(today <= day < today + timedelta(days=60) for day in ends) > 5
    assert sum(day < today for day in services) > 5
    assert min(row["purchased_on"] for row in rows) < today - timedelta(days=3 * 365)


@pytest.mark.parametrize("login", ["ines", *[member.login for member in MEMBERS]])
def test_everybody_signs_in_with_the_password_that_is_printed(demo_app: Flask, login: str) -> None:
    client = anonymous_client(demo_app).sign_in(f"{login}@kestrel.example", PASSWORD)

    assert client.get("/assets").status_code == 200


def test_who_is_narrowed_to_a_site_sees_its_things_alone(demo_app: Flask) -> None:
    client = anonymous_client(demo_app).sign_in("wanjiru@kestrel.example", PASSWORD)

    page = client.get("/locations").text

    assert "Field clinic" in page
    assert "Media store" not in page


def test_views_show_what_they_promise(demo_app: Flask) -> None:
    page = anonymous_client(demo_app).sign_in(EMAIL, PASSWORD).get("/assets").text

    for name in ("Kit over € 1,000", "In the workshop", "Maintenance due", "At the Azores"):
        assert name in page


def test_a_second_load_says_so_and_changes_nothing(demo_app: Flask) -> None:
    with demo_app.app_context(), demo_on(demo_app).context() as context:
        before = len(lines_of(context))

    done = demo_app.test_cli_runner().invoke(args=["demo", "load"])

    assert done.exit_code == 0
    assert "is there already; nothing was loaded" in done.output
    assert done.output.splitlines()[-1].endswith(f"sign in as {EMAIL} with the password {PASSWORD}")
    with demo_app.app_context(), demo_on(demo_app).context() as context:
        assert len(lines_of(context)) == before


def test_a_larger_one_has_more_of_the_same_and_more_people(new_app: NewApp, new_database: NewDatabase) -> None:
    app = new_app(new_database())

    done = app.test_cli_runner().invoke(args=["demo", "load", "--assets", "1500"])

    assert done.exit_code == 0, done.output
    assert "1,500 assets in the books" in done.output
    with app.app_context(), demo_on(app).context() as context:
        assert len(rows_of(context, "assets")) == 1500
        assert len(rows_of(context, "persons")) == 50 + (1500 - 400) // 40
        assets = registry.resources["assets"].table
        query = select(func.count(assets.c.serial_number.distinct())).where(scoped(context.session, assets))
        assert context.session.execute(query, execution_options=CHECKED).scalar_one() >= 1500
    assert app.test_cli_runner().invoke(args=["activity", "verify"]).output == "ok\n"


def test_the_same_seed_gives_the_same_things() -> None:
    fleets = [Fleet(random.Random(7), NOON_IN_MAY).fill(120) for _ in range(2)]

    assert [(t.serial, t.home, t.bought, t.cost) for t in fleets[0]] == [
        (t.serial, t.home, t.bought, t.cost) for t in fleets[1]
    ]


@pytest.mark.parametrize("today", [NOON_IN_MAY, date(2028, 2, 29), date(2029, 1, 1)])
def test_whoever_acts_may_sign_in_or_is_a_key(today: date) -> None:
    source = random.Random(3)
    fleet = Fleet(source, today)
    fleet.fill(150)

    actors = {act.actor for act in Year(source, fleet, today, rich=True).play()}

    assert actors <= {"ines", INTUNE, BENCH, *[member.login for member in MEMBERS]}
    assert {person.login for person in PEOPLE} >= {member.login for member in MEMBERS}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("rich", [True, False])
def test_whatever_day_it_is_states_follow_each_other_as_they_may(seed: int, rich: bool) -> None:
    source, today = random.Random(seed), NOON_IN_MAY + timedelta(days=seed * 97)
    fleet = Fleet(source, today)
    fleet.fill(300)
    lifecycles = {name: lifecycle for name, _type, lifecycle, *_rest in STATUSES}
    now: dict[object, str] = {}

    for act in Year(source, fleet, today, rich=rich).play():
        for key, patch in act.rows:
            if "status_id" in patch:
                following = lifecycles[patch["status_id"].key]
                assert may_follow(now.get(key, following), following), (act, key)
                now[key] = following
