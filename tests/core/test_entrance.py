"""Who asks is found in the message that begins the request's transaction (PostgreSQL), and elsewhere like anything else."""

import pytest
from sqlalchemy import text

from tests.statements import counted
from webapp.accounts.rules import create_api_key
from webapp.core import identity
from webapp.core.context import open_context
from webapp.core.database import db, utcnow
from webapp.core.identity_statements import FIND_API_KEY, FIND_SESSION, quotable
from webapp.core.keys import make_key, prefix_of


@pytest.fixture
def inside(app):
    """Run as one request does: with a session that goes when it ends."""
    with app.app_context():
        yield app


@pytest.fixture
def token(organization):
    """Return a key of the organization."""
    with organization.context() as context:
        _key, token = create_api_key(context, "script", ["*"])
        context.session.commit()
    return token


def spoken_for(session):
    """Return for whom PostgreSQL takes the session's transaction, and whether it may only read."""
    query = text("SELECT current_setting('app.organization_id'), current_setting('transaction_read_only')")
    return tuple(session.connection().execute(query).one())


@pytest.mark.parametrize("how", ["key", "cookie"])
def test_entering_finds_whom_asking_finds(inside, organization, token, how):
    secret = identity.open_session(organization.owner.user_id, organization.id)
    find = identity.find_api_key if how == "key" else identity.find_session
    shown = token if how == "key" else secret

    assert find(shown, session=db.session()) == find(shown)


@pytest.mark.postgresql
@pytest.mark.parametrize(("reads", "said"), [(True, "on"), (False, "off")])
def test_the_first_message_says_all_that_a_transaction_must_say(inside, organization, token, reads, said):
    with counted(inside) as cost:
        holder = identity.find_api_key(token, session=db.session(), reads=reads)
        context = open_context(holder.tenant, holder.actor, write=not reads)
        context.session.connection()

    assert len(cost.statements) == 1, cost
    assert spoken_for(context.session) == (str(organization.id), said)


@pytest.mark.postgresql
def test_a_session_bound_to_another_organization_than_entered_speaks_for_that_one(
    inside, organization, other_organization, token
):
    identity.find_api_key(token, session=db.session())
    context = open_context(other_organization.tenant, other_organization.owner, write=False)

    assert spoken_for(context.session) == (str(other_organization.id), "on")
    slugs = context.session.connection().execute(text("SELECT slug FROM organizations")).scalars().all()
    assert slugs == [other_organization.tenant.slug]


@pytest.mark.postgresql
def test_a_session_that_entered_to_read_and_then_writes_begins_anew(inside, organization, token):
    holder = identity.find_api_key(token, session=db.session(), reads=True)
    context = open_context(holder.tenant, holder.actor, write=True)

    assert spoken_for(context.session) == (str(organization.id), "off")


@pytest.mark.postgresql
def test_after_a_commit_the_session_says_again_for_whom_it_speaks(inside, organization, token):
    holder = identity.find_api_key(token, session=db.session(), reads=False)
    context = open_context(holder.tenant, holder.actor, write=True)
    context.session.connection()
    context.session.commit()

    assert spoken_for(context.session) == (str(organization.id), "off")


@pytest.mark.postgresql
def test_a_second_credential_of_one_request_is_asked_for_apart(inside, token):
    session = db.session()
    identity.find_api_key(token, session=session)
    first = session.info["connection"]
    identity.find_api_key(token, session=session)

    assert session.info["connection"] is first


@pytest.mark.parametrize("shown", ["unknown", "malformed"])
def test_who_is_nobody_leaves_no_connection_behind(app, shown):
    with app.app_context():
        before = db.engine.pool.checkedout()
    with app.app_context():
        assert identity.find_api_key(make_key().token if shown == "unknown" else shown, session=db.session()) is None
    with app.app_context():
        assert db.engine.pool.checkedout() == before


@pytest.mark.parametrize("value", ["a'b", "a b", "a;b", "a\\b", "é", "a\n", "(1)"])
def test_no_other_text_stands_in_the_message(value):
    with pytest.raises(ValueError, match="cannot be part"):
        quotable(value)


def test_a_moment_and_a_hash_stand_in_the_message(token):
    assert quotable(utcnow()).startswith("20")
    assert quotable(prefix_of(token)) == prefix_of(token)


@pytest.mark.postgresql
def test_the_two_ways_of_asking_give_the_same(inside, organization, token):
    secret = identity.session_hash_of(identity.open_session(organization.owner.user_id, organization.id))
    now = utcnow()
    for call, given in ((FIND_API_KEY, {"prefix": prefix_of(token)}), (FIND_SESSION, {"secret_hash": secret})):
        [entered] = call.enter(db.session(), reads=True, at=now, **given)
        [asked] = call(at=now, **given)
        db.session.remove()

        assert {name: entered[name] for name in call.gives} == dict(asked)
