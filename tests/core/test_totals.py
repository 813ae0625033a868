"""How many there are: right after everything that makes one more or one less."""

from tests.households import Household
from tests.rows import add, add_many, asked, at_once, change, resource
from webapp.core.context import Context
from webapp.core.errors import Conflict
from webapp.core.query import list_rows
from webapp.core.writes import delete, restore


def total(organization: Household, kind: str = "manufacturers") -> int:
    """Return the total that somebody else's list says."""
    with organization.context(write=False) as context:
        listing = list_rows(context, resource(kind), asked(kind, "per_page=1"))
        counted = list_rows(context, resource(kind), asked(kind, "per_page=1&created_after=2000-01-01T00:00:00Z"))
    assert listing.total == counted.total
    return listing.total


def test_the_total_follows_making_deleting_and_restoring(organization: Household):
    totals = [total(organization)]
    with organization.context() as context:
        ids = [add(context, "manufacturers") for _ in range(3)]
        context.session.commit()
        totals.append(total(organization))
        delete(context, resource("manufacturers"), ids[0])
        delete(context, resource("manufacturers"), ids[1])
        context.session.commit()
        totals.append(total(organization))
        restore(context, resource("manufacturers"), ids[0])
        context.session.commit()

    assert [*totals, total(organization)] == [0, 3, 1, 2]


def test_what_is_rolled_back_is_not_counted(organization: Household):
    with organization.context() as context:
        add(context, "manufacturers")
        context.session.rollback()
        add(context, "manufacturers")
        context.session.commit()

    assert total(organization) == 1


def test_a_batch_counts_each_row(organization: Household):
    with organization.context() as context:
        add_many(context, "manufacturers", [{"name": f"Maker {number}"} for number in range(7)])
        context.session.commit()

    assert total(organization) == 7


def test_a_change_counts_nothing(organization: Household):
    with organization.context() as context:
        maker = add(context, "manufacturers")
        change(context, "manufacturers", maker, name="Renamed")
        context.session.commit()

    assert total(organization) == 1


def test_a_refused_deletion_counts_nothing(organization: Household):
    with organization.context() as context:
        maker = add(context, "manufacturers")
        add(context, "products", manufacturer_id=maker)
        try:
            delete(context, resource("manufacturers"), maker)
        except Conflict:
            context.session.commit()

    assert total(organization) == 1


def test_a_new_organization_counts_its_thirteen_statuses(organization: Household):
    assert total(organization, "statuses") == 13


def test_two_writers_at_once_lose_no_count(organization: Household):
    def write(word: str) -> None:
        for number in range(10):
            with organization.context() as context:
                add(context, "manufacturers", name=f"{word} {number}")
                context.session.commit()

    outcomes = at_once(lambda: write("Sony"), lambda: write("Leica"))

    assert [outcome.exception() for outcome in outcomes] == [None, None]
    assert total(organization) == 20


def test_a_narrowed_reader_is_told_its_own_total(organization: Household):
    with organization.context() as context:
        lisbon = add(context, "locations", name="Lisbon")
        add(context, "assets", location_id=lisbon)
        add(context, "assets")
        context.session.commit()

    with organization.context(organization.actor("manager", lisbon), write=False) as narrowed:
        assert list_rows(narrowed, resource("assets"), asked("assets", "")).total == 1


def test_each_organization_counts_its_own(context: Context, other_organization: Household):
    add(context, "manufacturers")
    context.session.commit()

    assert total(other_organization) == 0
