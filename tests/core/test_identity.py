from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import event, select, text

from tests.households import unique
from webapp.accounts.models import ApiKey
from webapp.accounts.rules import create_api_key, revoke_api_key
from webapp.core import identity, identity_proofs, identity_statements
from webapp.core.database import db, utcnow


@pytest.fixture
def inside(app):
    """Run within the application, where identity is asked."""
    with app.app_context():
        yield app


@pytest.fixture
def secret(inside, organization):
    return identity.open_session(organization.owner.user_id, organization.id, ip="192.0.2.7", user_agent="test")


@pytest.fixture
def new_key(organization):
    def make(**options):
        with organization.context() as context:
            _key, token = create_api_key(context, "key", ["*"], **options)
            context.session.commit()
        return token

    return make


@pytest.fixture
def statements(inside):
    """Collect the statements that are sent to the database."""
    sent = []

    def note(_connection, _cursor, statement, *_rest):
        sent.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    yield sent
    event.remove(db.engine, "before_cursor_execute", note)


def asked(statements):
    return [statement for statement in statements if not statement.startswith("BEGIN")]


def last_seen(secret):
    return identity_statements.FIND_SESSION(secret_hash=identity.session_hash_of(secret), at=utcnow())[0][
        "last_seen_at"
    ]


def test_a_session_tells_who_is_there_and_where(secret, organization):
    visit = identity.find_session(secret)

    assert (visit.tenant, visit.email, visit.organizations) == (organization.tenant, organization.email, 1)
    assert (visit.actor.user_id, visit.actor.role) == (organization.owner.user_id, "owner")
    assert "assets:write" in visit.actor.permissions


def test_finding_a_session_costs_one_statement(secret, statements):
    identity.find_session(secret)

    assert len(asked(statements)) == 1


def test_finding_a_key_costs_one_statement(inside, new_key, statements):
    token = new_key()
    statements.clear()

    assert identity.find_api_key(token)
    assert len(asked(statements)) == 1


def test_a_malformed_key_asks_the_database_nothing(new_key, statements):
    token = new_key()
    statements.clear()

    assert identity.find_api_key(token[:-1] + "_") is None
    assert asked(statements) == []


def test_only_the_hash_of_a_session_is_kept(secret):
    with pytest.raises(IndexError):
        identity_statements.FIND_SESSION(secret_hash=secret, at=utcnow())[0]


def test_an_unknown_secret_is_nobody(inside):
    assert identity.find_session("nothing") is None


def test_a_closed_session_is_over(secret):
    identity.close_session(secret)

    assert identity.find_session(secret) is None


def test_a_session_ends_by_itself_after_its_hours(secret):
    with time_machine.travel(utcnow() + timedelta(hours=12, seconds=1)):
        assert identity.find_session(secret) is None


def test_a_remembered_session_holds_for_thirty_days(inside, organization):
    secret = identity.open_session(organization.owner.user_id, organization.id, remember=True)

    with time_machine.travel(utcnow() + timedelta(days=29)):
        assert identity.find_session(secret)
    with time_machine.travel(utcnow() + timedelta(days=31)):
        assert identity.find_session(secret) is None


def test_all_sessions_of_a_user_end_but_the_one_to_keep(secret, organization):
    other = identity.open_session(organization.owner.user_id, organization.id)

    identity.close_sessions(organization.owner.user_id, keep=identity.session_hash_of(secret))

    assert identity.find_session(secret)
    assert identity.find_session(other) is None


def test_sessions_in_another_organization_are_left_alone(secret, organization, other_organization):
    identity.close_sessions(organization.owner.user_id, organization_id=other_organization.id)

    assert identity.find_session(secret)


def test_the_use_of_a_session_is_noted_at_most_every_five_minutes(secret):
    opened = last_seen(secret)
    later = utcnow() + timedelta(minutes=6)

    identity.find_session(secret)
    identity.flush_uses()
    assert last_seen(secret) == opened
    with time_machine.travel(later, tick=False):
        identity.find_session(secret)
        assert last_seen(secret) == opened
        identity.flush_uses()
    assert abs(last_seen(secret) - later) < timedelta(seconds=1)


def test_the_first_use_of_a_key_is_noted(inside, new_key, organization):
    token = new_key()

    identity.find_api_key(token)
    identity.flush_uses()

    with organization.context() as context:
        assert context.session.scalars(select(ApiKey)).one().last_used_at is not None


def test_a_key_speaks_for_its_organization(inside, new_key, organization):
    holder = identity.find_api_key(new_key())

    assert holder.tenant == organization.tenant
    assert (holder.actor.face, holder.actor.user_id) == ("api", None)


def test_a_revoked_key_is_over_at_once(inside, organization):
    with organization.context() as context:
        key, token = create_api_key(context, "key", ["*"])
        context.session.commit()
        revoke_api_key(context, key.id)
        context.session.commit()

    assert identity.find_api_key(token) is None


def test_a_key_ends_when_it_is_told_to(inside, new_key):
    token = new_key(expires_at=utcnow() + timedelta(days=1))

    assert identity.find_api_key(token)
    with time_machine.travel(utcnow() + timedelta(days=1, seconds=1)):
        assert identity.find_api_key(token) is None


@pytest.mark.parametrize(
    ("ip", "holds"), [("10.20.3.4", True), ("10.21.3.4", False), ("2001:db8::1", True), ("", False), ("x", False)]
)
def test_a_key_may_be_bound_to_networks(inside, new_key, ip, holds):
    token = new_key(ip_allowlist=["10.20.0.0/16", "2001:db8::/32"])

    assert (identity.find_api_key(token, ip=ip) is not None) == holds


def test_a_key_of_one_face_does_not_open_another(inside, new_key):
    assert identity.find_api_key(new_key(), dialect="snipeit") is None


def test_a_key_holds_no_more_than_its_scopes(inside, organization):
    with organization.context() as context:
        _key, token = create_api_key(context, "key", ["assets:read"])
        context.session.commit()

    assert identity.find_api_key(token).actor.permissions == {"assets:read"}


def test_addresses_are_found_in_any_spelling(inside, organization):
    assert identity.find_user(organization.email.upper())["id"] == organization.owner.user_id


def test_organizations_are_found_by_slug_and_id(inside, organization):
    assert identity.organization_by_slug(organization.tenant.slug) == organization.tenant
    assert identity.organization_by_id(organization.id) == organization.tenant
    assert identity.organization_by_slug("there-is-none") is None
    assert organization.id in identity.organization_ids()


def test_a_throttle_counts_and_says_how_long_to_wait(inside):
    key, window = unique("throttle"), timedelta(minutes=15)
    with time_machine.travel("2026-11-24 12:10:00", tick=False):
        hits = [identity.hit_bucket(key, limit=2, window=window) for _ in range(3)]

    assert [hit.allowed for hit in hits] == [True, True, False]
    assert hits[-1].retry_after == 5 * 60


def test_a_throttle_starts_over_with_the_next_window(inside):
    key, window = unique("throttle"), timedelta(minutes=15)
    with time_machine.travel("2026-11-24 12:10:00", tick=False):
        identity.hit_bucket(key, limit=1, window=window)
    with time_machine.travel("2026-11-24 12:15:00", tick=False):
        assert identity.hit_bucket(key, limit=1, window=window).allowed


def test_a_sweep_throws_away_what_is_over(inside, organization):
    secret = identity.open_session(organization.owner.user_id, organization.id)
    with time_machine.travel(utcnow() + timedelta(days=2)):
        identity.sweep()

    assert identity.find_session(secret) is None


def test_an_installation_with_users_is_not_empty(inside, organization):
    assert not identity.is_empty()


@pytest.mark.postgresql
@pytest.mark.parametrize("table", ["sessions", "rate_buckets", "one_time_links", "recovery_codes"])
def test_the_runtime_role_cannot_read_sessions_or_throttles(inside, table):
    with db.engine.connect() as connection, pytest.raises(Exception, match="permission denied"):
        connection.execute(text(f"SELECT * FROM {table}"))


@pytest.mark.postgresql
@pytest.mark.parametrize("table", ["organizations", "users", "memberships", "api_keys"])
def test_unbound_the_runtime_role_sees_nothing_of_accounts(inside, organization, new_key, table):
    new_key()

    with db.engine.connect() as connection:
        assert connection.execute(text(f"SELECT count(*) FROM {table}")).scalar() == 0


@pytest.mark.postgresql
def test_bound_it_sees_its_own_organization_and_its_members_only(organization, other_organization):
    with organization.context() as context:
        connection = context.session.connection()
        slugs = connection.execute(text("SELECT slug FROM organizations")).scalars().all()
        emails = connection.execute(text("SELECT email FROM users")).scalars().all()

    assert slugs == [organization.tenant.slug]
    assert emails == [organization.email]


@pytest.mark.postgresql
@pytest.mark.parametrize(
    "statement", ["SELECT password_hash FROM users", "UPDATE users SET name = 'x'", "DELETE FROM organizations"]
)
def test_the_runtime_role_reads_no_password_and_changes_no_user(organization, statement):
    with organization.context() as context, pytest.raises(Exception, match="permission denied"):
        context.session.connection().execute(text(statement))


@pytest.mark.postgresql
def test_a_row_cannot_be_put_into_another_organization(organization, other_organization):
    insert = text(
        "INSERT INTO memberships (organization_id, user_id, role, guid, created_at, updated_at, version)"
        " VALUES (:organization, :user, 'owner', 'x', now(), now(), 1)"
    )
    with organization.context() as context, pytest.raises(Exception, match="row-level security"):
        context.session.connection().execute(
            insert, {"organization": other_organization.id, "user": organization.owner.user_id}
        )


@pytest.mark.postgresql
def test_functions_return_what_sqlite_returns(inside, organization):
    names = {
        name: call
        for module in (identity_statements, identity_proofs)
        for name, call in vars(module).items()
        if isinstance(call, identity_statements.Call)
    }
    query = text("SELECT proargnames FROM pg_proc WHERE proname = :name")

    with db.engine.connect() as connection:
        for call in names.values():
            arguments = connection.execute(query, {"name": f"identity_{call.name}"}).scalar() or []
            assert list(arguments) == [f"_{name}" for name in call.takes] + list(call.gives), call.name
