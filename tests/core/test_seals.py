"""The chain of seals holds, and says where it does not."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import create_engine, select, text

from tests.conftest import NewDatabase
from tests.households import Household, found_organization
from tests.postgres_cluster import DatabaseUrls
from tests.rows import add, at_once, change, stored
from webapp.core.activity import Activity
from webapp.core.context import make_context
from webapp.core.database import table_of, utcnow
from webapp.core.seals import ActivitySeal, first_fault, seal_finished
from webapp.core.tenancy import CHECKED, new_session

LINES, SEALS = table_of(Activity), table_of(ActivitySeal)
FIRST = "SELECT min(id) FROM activity WHERE organization_id = :id"


class Vault:
    """An application on a database of its own, whose log may be tampered with."""

    def __init__(self, app: Flask, database: DatabaseUrls) -> None:
        self.app, self.database = app, database
        self.organization = found_organization(app)
        with self.organization.context() as context:
            place_id = add(context, "locations", name="Lisbon")
            context.session.commit()
            for number in range(5):
                change(context, "locations", place_id, name=f"Lisbon {number}")
                context.session.commit()

    def seal(self) -> None:
        """Seal what is finished; other databases of the cluster may still hold transactions open for a moment."""
        deadline = time.monotonic() + 20
        while seal_round(self.organization) or self.unsealed():
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def unsealed(self) -> set[int]:
        """Return the ids of the lines without a seal."""
        with self.organization.context(write=False) as context:
            sealed = {seal["activity_id"] for seal in stored(context, SEALS)}
            return {line["id"] for line in stored(context, LINES)} - sealed

    def fault(self) -> str | None:
        """Return what `verify` says about the organization."""
        with self.organization.context(write=False) as context:
            return first_fault(context.session)

    def tamper(self, statement: str) -> None:
        """Do to the log what only the owner of the database can."""
        engine = create_engine(self.database.migration_url)
        with engine.begin() as connection:
            triggers = []
            if engine.dialect.name == "sqlite":
                named = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'activity%'"
                triggers = connection.execute(text(named)).all()
            for name, _sql in triggers:
                connection.execute(text(f"DROP TRIGGER {name}"))
            connection.execute(text(statement), {"id": self.organization.id})
            for _name, sql in triggers:
                connection.execute(text(sql))
        engine.dispose()

    def number(self, query: str) -> int:
        """Return the number that a query over the organization (`:id`) gives."""
        with self.organization.context(write=False) as context:
            return int(context.session.connection().execute(text(query), {"id": self.organization.id}).scalar_one())


def seal_round(organization: Household) -> int:
    """Let one sealer go over an organization once; return how many lines it sealed."""
    with organization.context() as context:
        sealed = seal_finished(context.session)
        context.session.commit()
    return sealed


@pytest.fixture(scope="module")
def vault_app(new_database: NewDatabase, new_app: Callable[..., Flask]) -> tuple[Flask, DatabaseUrls]:
    """Return an application on a database that other tests do not look at."""
    database = new_database()
    return new_app(database), database


@pytest.fixture
def vault(vault_app: tuple[Flask, DatabaseUrls]) -> Iterator[Vault]:
    """Return a fresh organization whose log is sealed; it is made whole again afterwards."""
    made = Vault(*vault_app)
    made.seal()
    yield made
    made.tamper("DELETE FROM activity_seals WHERE organization_id = :id")
    made.tamper("DELETE FROM activity WHERE organization_id = :id")


def verify(vault: Vault) -> tuple[int, str]:
    """Return (exit code, what it says) of `flask activity verify`."""
    result = vault.app.test_cli_runner().invoke(args=["activity", "verify"])
    return result.exit_code, result.output.strip()


def test_an_untouched_log_is_found_whole(vault: Vault):
    assert vault.fault() is None
    assert verify(vault) == (0, "ok")


@pytest.mark.parametrize(
    "change_to",
    [
        "actor_name = 'Nobody'",
        "changes = '{}'",
        "at = '2026-01-10 10:00:00.000000'",
        "item_id = item_id + 1",
        "forced = NOT forced",
        "note = 'added later'",
        "ip = '10.0.0.1'",
    ],
)
def test_a_changed_line_is_named(vault: Vault, change_to: str):
    line = vault.number(FIRST) + 16
    vault.tamper(f"UPDATE activity SET {change_to} WHERE id = {line} AND organization_id = :id")

    assert vault.fault() == f"activity {line} does not match its seal"
    assert verify(vault) == (1, f"organization {vault.organization.id}: activity {line} does not match its seal")


def test_a_lost_line_is_named(vault: Vault):
    line = vault.number(FIRST) + 16
    vault.tamper(f"DELETE FROM activity WHERE id = {line} AND organization_id = :id")

    assert vault.fault() == f"activity {line} is missing"
    assert verify(vault)[0] == 1


def test_a_lost_seal_is_named(vault: Vault):
    vault.tamper("DELETE FROM activity_seals WHERE sequence = 3 AND organization_id = :id")

    assert vault.fault() == "seal 3 is missing"


def test_the_first_of_several_faults_is_named(vault: Vault):
    first = vault.number(FIRST)
    vault.tamper(f"UPDATE activity SET note = 'x' WHERE id IN ({first + 4}, {first + 9}) AND organization_id = :id")

    assert vault.fault() == f"activity {first + 4} does not match its seal"


def test_two_lines_cannot_change_places(vault: Vault):
    for old, new in ((3, -3), (4, 3), (-3, 4)):
        vault.tamper(f"UPDATE activity_seals SET sequence = {new} WHERE sequence = {old} AND organization_id = :id")

    assert "does not match its seal" in str(vault.fault())


def test_a_seal_made_without_the_secret_does_not_hold(vault: Vault):
    line = vault.number(FIRST) + 2
    vault.tamper("UPDATE activity_seals SET hash = previous_hash WHERE sequence = 3 AND organization_id = :id")

    assert vault.fault() == f"activity {line} does not match its seal"


def test_an_unsealed_line_is_named_once_it_is_a_minute_old(vault: Vault):
    newest = "SELECT max(id) FROM activity WHERE organization_id = :id"
    with vault.organization.context() as context:
        earlier = make_context(context.session, context.tenant, context.actor, at=utcnow() - timedelta(minutes=2))
        add(earlier, "locations", name="Porto")
        earlier.session.commit()
    line = vault.number(newest)
    vault.tamper(f"DELETE FROM activity_seals WHERE activity_id = {line} AND organization_id = :id")

    assert vault.fault() == f"activity {line} is not sealed"


def test_the_faults_of_one_organization_are_not_those_of_another(vault: Vault):
    neighbor = found_organization(vault.app)
    vault.tamper("UPDATE activity SET note = 'x' WHERE organization_id = :id")

    with neighbor.context(write=False) as context:
        assert first_fault(context.session) is None


def test_seals_are_numbered_without_gaps_over_two_writers_at_once(vault: Vault):
    done = threading.Event()

    def write(word: str) -> None:
        for number in range(15):
            with vault.organization.context() as context:
                add(context, "manufacturers", name=f"{word} {number}")
                context.session.commit()

    def keep_sealing() -> None:
        while not done.is_set():
            seal_round(vault.organization)

    sealers = [threading.Thread(target=keep_sealing) for _ in range(2)]
    for sealer in sealers:
        sealer.start()
    outcomes = at_once(lambda: write("Sony"), lambda: write("Leica"))
    done.set()
    for sealer in sealers:
        sealer.join()
    vault.seal()

    with vault.organization.context(write=False) as context:
        sequences = sorted(seal["sequence"] for seal in stored(context, SEALS))
    assert [outcome.exception() for outcome in outcomes] == [None, None]
    assert sequences == list(range(1, vault.number("SELECT count(*) FROM activity WHERE organization_id = :id") + 1))
    assert vault.fault() is None


@pytest.mark.postgresql
def test_a_line_is_sealed_after_every_older_transaction_has_ended(vault: Vault):
    with vault.organization.context() as slow:
        add(slow, "manufacturers", name="Slow")
        with vault.organization.context() as fast:
            add(fast, "manufacturers", name="Fast")
            fast.session.commit()
        sealed_meanwhile = seal_round(vault.organization)
        slow.session.commit()
    vault.seal()

    assert sealed_meanwhile == 0
    assert vault.fault() is None


@pytest.mark.postgresql
def test_one_sealer_an_organization_seals_and_the_other_goes_on(vault: Vault):
    with vault.organization.context() as context:
        add(context, "manufacturers")
        context.session.commit()

    with vault.app.app_context(), new_session(vault.organization.id, write=True) as first:
        first.execute(select(LINES.c.id).limit(1), execution_options=CHECKED)
        seal_finished(first)

        assert seal_round(vault.organization) == 0
