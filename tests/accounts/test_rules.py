from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select

from tests.households import PASSWORD, unique
from webapp.accounts import passwords
from webapp.accounts.founding import Founding, found_organization
from webapp.accounts.models import ApiKey, Membership
from webapp.accounts.resources import MEMBERS
from webapp.accounts.rules import (
    add_member,
    change_password,
    create_api_key,
    keys_made_by,
    revoke_api_key,
    sign_in,
)
from webapp.core import identity
from webapp.core.activity import Activity
from webapp.core.batch import find_rows
from webapp.core.database import utcnow
from webapp.core.errors import Conflict, Forbidden, Invalid, NotFound, TooManyRequests, Unauthorized
from webapp.core.resource import registry
from webapp.core.writes import create, delete, update
from webapp.places.resources import LOCATIONS


@pytest.fixture
def inside(app):
    with app.app_context():
        yield app


@pytest.fixture
def ip():
    return unique("address")


@pytest.fixture
def join(context):
    """Return a function that makes somebody a member."""

    def add(role="member", **options):
        email = f"{unique('person')}@example.org"
        return add_member(context, email=email, name="Pat", password=PASSWORD, role=role, **options)

    return add


@pytest.fixture
def place(context):
    """Return a function that makes a place."""
    return lambda name, parent_id=None: create(context, LOCATIONS, {"name": name, "parent_id": parent_id})


def founding(**changes):
    wanted = {"name": unique("Kestrel"), "admin_email": f"{unique('a')}@example.org", "admin_password": PASSWORD}
    return Founding(**{**wanted, **changes})


# Organizations


def test_an_organization_begins_with_its_owner_and_a_slug(inside):
    context = found_organization(founding(name=f"Café Ölmühle {unique('x')} & Söhne"))

    assert context.tenant.slug.startswith("cafe-olmuhle-x-")
    assert context.actor.role == "owner"
    assert [role for _tenant, role in identity.memberships(context.actor.user_id)] == ["owner"]


def test_two_organizations_of_one_name_have_different_slugs(inside):
    name = unique("Twin")

    slugs = [found_organization(founding(name=name)).tenant.slug for _ in range(2)]

    assert slugs == [name.lower(), f"{name.lower()}-2"]


def test_founding_is_in_the_history(context):
    lines = context.session.scalars(select(Activity).where(Activity.item_type == "organizations")).all()

    assert [(line.event, line.item_name) for line in lines] == [("Create", context.tenant.name)]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "  "),
        ("admin_email", "nobody"),
        ("admin_password", "too short"),
        ("admin_password", "x" * 129),
        ("currency", "XXX"),
        ("timezone", "Mars/Olympus"),
        ("locale", "tlh"),
        ("first_tag", "no number"),
    ],
)
def test_founding_says_which_field_is_wrong(inside, field, value):
    with pytest.raises(Invalid) as caught:
        found_organization(founding(**{field: value}))

    assert list(caught.value.errors) == [field]


def test_a_failed_founding_leaves_nothing_behind(inside, monkeypatch):
    def fail(_context):
        raise RuntimeError("a seed failed")

    monkeypatch.setattr("webapp.core.resource.registry.seeds", [fail])
    wanted = founding()

    with pytest.raises(RuntimeError, match="seed"):
        found_organization(wanted)

    assert identity.find_user(wanted.admin_email) is None


def test_the_first_run_is_refused_once_there_is_a_user(inside, organization):
    with pytest.raises(Conflict):
        found_organization(founding(first=True))


def test_somebody_known_founds_another_one_with_the_password_they_have(inside, organization):
    second = found_organization(founding(admin_email=organization.email))

    assert second.actor.user_id == organization.owner.user_id
    with pytest.raises(Invalid, match="admin_password"):
        found_organization(founding(admin_email=organization.email, admin_password="another password"))


def test_asset_tags_go_on_from_the_first_one(inside):
    context = found_organization(founding(first_tag="KFR-0100"))

    assert context.tenant.settings == {"asset_tag_pattern": "KFR-%04d", "unique_serial": True}


# Signing in


def test_the_right_password_opens_the_organizations(inside, organization, ip):
    found = sign_in(organization.email.upper(), PASSWORD, ip=ip)

    assert found.user_id == organization.owner.user_id
    assert found.memberships == [(organization.tenant, "owner")]


@pytest.mark.parametrize("email", ["the owner's", "nobody@example.org"])
def test_the_answer_does_not_tell_whether_the_account_exists(inside, organization, ip, email):
    with pytest.raises(Unauthorized, match="do not go together"):
        sign_in(organization.email if email == "the owner's" else email, "wrong password", ip=ip)


def test_an_unknown_account_costs_a_hash_as_well(inside, organization, ip, monkeypatch):
    checked = []
    right = passwords.is_right
    monkeypatch.setattr("webapp.accounts.rules.is_right", lambda *given: checked.append(given) or right(*given))

    for email in (organization.email, f"{unique('nobody')}@example.org"):
        with pytest.raises(Unauthorized):
            sign_in(email, "wrong password", ip=ip)

    assert len(checked) == 2


def test_after_ten_tries_an_account_is_closed_for_a_while_even_to_the_right_password(inside, organization, ip):
    with time_machine.travel("2026-11-24 12:01:00", tick=False):
        for _ in range(10):
            with pytest.raises(Unauthorized):
                sign_in(organization.email, "wrong password", ip=unique("address"))
        with pytest.raises(TooManyRequests) as caught:
            sign_in(organization.email, PASSWORD, ip=ip)

    assert caught.value.retry_after == 14 * 60


def test_an_address_is_throttled_over_all_accounts(inside, ip, monkeypatch):
    monkeypatch.setattr("webapp.accounts.rules.ADDRESS_TRIES", 3)

    with time_machine.travel("2026-11-24 12:01:00", tick=False):
        for _ in range(3):
            with pytest.raises(Unauthorized):
                sign_in(f"{unique('nobody')}@example.org", "wrong password", ip=ip)
        with pytest.raises(TooManyRequests):
            sign_in(f"{unique('nobody')}@example.org", "wrong password", ip=ip)


def test_an_office_that_signs_in_rightly_is_not_throttled(inside, organization, ip, monkeypatch):
    monkeypatch.setattr("webapp.accounts.rules.ADDRESS_TRIES", 3)

    for _ in range(5):
        assert sign_in(organization.email, PASSWORD, ip=ip)


def test_the_right_password_forgets_the_wrong_ones(inside, organization, ip):
    with time_machine.travel("2026-11-24 12:01:00", tick=False):
        for _ in range(3):
            for _ in range(9):
                with pytest.raises(Unauthorized):
                    sign_in(organization.email, "wrong password", ip=ip)
            assert sign_in(organization.email, PASSWORD, ip=ip)


def test_a_hash_of_other_costs_is_renewed_at_sign_in(inside, organization, ip, monkeypatch):
    costly = passwords.PasswordHasher(memory_cost=passwords.MEMORY, time_cost=passwords.ROUNDS, parallelism=1)
    monkeypatch.setattr(passwords, "_hasher", costly)
    cheap = passwords.PasswordHasher(memory_cost=8, time_cost=1, parallelism=1).hash(PASSWORD)
    identity.set_password(organization.owner.user_id, cheap)

    sign_in(organization.email, PASSWORD, ip=ip)

    kept = identity.find_user(organization.email)["password_hash"]
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_another_password_ends_every_other_session(organization):
    with organization.context() as context:
        kept, other = (identity.open_session(context.actor.user_id, organization.id) for _ in range(2))
        keep = identity.session_hash_of(kept)

        change_password(context, PASSWORD, "an entirely new one", keep_session=keep)
        context.session.commit()

        assert identity.find_session(kept)
        assert identity.find_session(other) is None


def test_changing_a_password_needs_the_old_one(context, organization):
    with pytest.raises(Invalid) as caught:
        change_password(context, "not the old one", "short")

    assert set(caught.value.errors) == {"old", "new"}


# Keys


def test_a_key_is_in_the_history_without_its_secret(context):
    key, token = create_api_key(context, "Intune sync", ["assets:read"])

    line = context.session.scalars(select(Activity).where(Activity.item_type == "api_keys")).one()
    assert (line.item_name, line.changes["scopes"]) == ("Intune sync", [None, ["assets:read"]])
    assert key.secret_hash not in str(line.changes)
    assert token not in str(line.changes)


def test_nobody_grants_a_key_more_than_they_hold(organization):
    with organization.context(organization.actor("auditor")) as context, pytest.raises(Invalid) as caught:
        create_api_key(context, "key", ["assets:read", "assets:write"])

    assert "assets:write" in caught.value.errors["scopes"][0]


def test_only_an_owner_grants_everything(organization):
    with organization.context(organization.actor("admin")) as context, pytest.raises(Invalid):
        create_api_key(context, "key", ["*"])


@pytest.mark.parametrize(
    ("field", "options"),
    [
        ("name", {"name": " "}),
        ("scopes", {"scopes": []}),
        ("scopes", {"scopes": ["fly:write"]}),
        ("dialect", {"dialect": "klingon"}),
        ("expires_at", {"expires_at": utcnow() - timedelta(days=1)}),
        ("ip_allowlist", {"ip_allowlist": ["10.0.0.0/8", "everywhere"]}),
        ("scope_location_id", {"scope_location_id": 999_999_999}),
    ],
)
def test_a_key_says_which_field_is_wrong(context, field, options):
    with pytest.raises(Invalid) as caught:
        create_api_key(context, **{"name": "key", "scopes": ["assets:read"], **options})

    assert list(caught.value.errors) == [field]


def test_a_narrowed_member_makes_keys_for_their_own_part_only(organization, place, context):
    here, elsewhere = place("Here"), place("Elsewhere")
    below = place("Below", here)
    context.session.commit()

    with organization.context(organization.actor("admin", here)) as narrowed:
        for wrong in (None, elsewhere):
            with pytest.raises(Invalid, match="scope_location_id"):
                create_api_key(narrowed, "key", ["assets:read"], scope_location_id=wrong)
        assert create_api_key(narrowed, "key", ["assets:read"], scope_location_id=below)


def test_a_revoked_key_stays_in_the_book(context):
    key, _token = create_api_key(context, "key", ["assets:read"])

    revoke_api_key(context, key.id)

    assert context.session.scalars(select(ApiKey)).one().revoked_at == context.at
    with pytest.raises(NotFound):
        revoke_api_key(context, key.id)


def test_a_key_of_another_organization_is_not_found(context, other_organization):
    with other_organization.context() as other:
        key, _token = create_api_key(other, "key", ["assets:read"])
        other.session.commit()

    with pytest.raises(NotFound):
        revoke_api_key(context, key.id)


def test_a_place_that_somebody_is_narrowed_to_is_not_deleted(context, join, place):
    lisbon = place("Lisbon")
    join("manager", scope_location_id=lisbon)

    with pytest.raises(Conflict) as caught:
        delete(context, LOCATIONS, lisbon)

    assert ("members", 1) in [(found.resource.name, found.count) for found in caught.value.blockers]


# Members


def test_a_new_member_signs_in_with_the_password_given(inside, organization, ip):
    email = f"{unique('new')}@example.org"
    with organization.context() as context:
        add_member(context, email=email, name="New", password=PASSWORD, role="technician")
        context.session.commit()

    assert sign_in(email, PASSWORD, ip=ip).memberships == [(organization.tenant, "technician")]


def test_somebody_known_joins_with_the_password_they_have(inside, organization, other_organization, ip):
    with organization.context() as context:
        add_member(context, email=other_organization.email, name="x", password="", role="member")
        context.session.commit()

    assert len(sign_in(other_organization.email, PASSWORD, ip=ip).memberships) == 2


def test_nobody_joins_twice(context, organization):
    with pytest.raises(Invalid, match="already"):
        add_member(context, email=organization.email, name="x", password=PASSWORD, role="member")


def test_an_administrator_makes_no_owner(organization):
    with organization.context(organization.actor("admin")) as context, pytest.raises(Invalid, match="role"):
        add_member(context, email="x@example.org", name="x", password=PASSWORD, role="owner")


def test_an_administrator_does_not_unmake_an_owner(organization, context, join):
    owner = join("owner")
    context.session.commit()

    with organization.context(organization.actor("admin")) as admin, pytest.raises(Forbidden):
        update(admin, MEMBERS, owner.id, {"role": "member"})


def test_the_last_owner_stays(context):
    owner = context.session.scalars(select(Membership)).one()

    for change in (
        lambda: update(context, MEMBERS, owner.id, {"role": "admin"}),
        lambda: delete(context, MEMBERS, owner.id),
    ):
        with pytest.raises(Conflict, match="last owner"):
            change()
        context.session.rollback()


def test_an_owner_of_one_place_is_not_the_owner_who_must_stay(context, join, place):
    join("owner", scope_location_id=place("Lisbon"))
    owner = context.session.scalars(select(Membership).where(Membership.scope_location_id.is_(None))).one()

    with pytest.raises(Conflict, match="last owner"):
        update(context, MEMBERS, owner.id, {"role": "admin"})


def test_with_a_second_owner_the_first_may_go(context, join):
    first = context.session.scalars(select(Membership)).one()
    join("owner")

    delete(context, MEMBERS, first.id)

    assert context.session.get(Membership, first.id).deleted_at is not None


@pytest.mark.parametrize("change", ["role", "removal"])
def test_who_is_demoted_or_removed_is_signed_out_at_once(inside, context, join, organization, change):
    member = join("manager")
    context.session.commit()
    secret = identity.open_session(member.user_id, organization.id)

    update(context, MEMBERS, member.id, {"role": "member"}) if change == "role" else delete(context, MEMBERS, member.id)
    context.session.commit()

    assert identity.find_session(secret) is None


def test_who_was_removed_may_join_again(context, join):
    member = join()
    email = (
        context.session.connection().exec_driver_sql(f"SELECT email FROM users WHERE id = {member.user_id}").scalar()
    )
    delete(context, MEMBERS, member.id)

    again = add_member(context, email=email, name="", password="", role="auditor")

    assert again.id != member.id
    assert again.user_id == member.user_id


def test_keys_of_who_leaves_are_counted(context):
    create_api_key(context, "key", ["assets:read"])

    assert keys_made_by(context, context.actor.user_id) == 1


EMAIL = "ana@people.example"


def test_a_member_is_a_person_too(context):
    member = add_member(context, email=EMAIL, name="Ana Maria Costa", password=PASSWORD, role="member")

    person = find_rows(context, registry.resources["persons"], "id", [member.person_id])[member.person_id]
    assert (person["first_name"], person["last_name"], person["email"]) == ("Ana Maria", "Costa", EMAIL)


def test_a_person_who_becomes_a_member_stays_one_person(context):
    persons = registry.resources["persons"]
    known = create(context, persons, {"first_name": "Ana", "email": EMAIL.title()})

    member = add_member(context, email=EMAIL, name="Ana", password=PASSWORD, role="member")

    assert member.person_id == known
