from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select

from tests.households import PASSWORD, anonymous_client, unique
from tests.letterbox import letters_to, path_in, text_of
from webapp.accounts.invitations import accept, invite, send_again, withdraw
from webapp.accounts.models import Invitation, Membership
from webapp.accounts.resources import MEMBERS
from webapp.accounts.rules import add_member, create_api_key, revoke_api_key, sign_in
from webapp.core import identity
from webapp.core.activity import Activity
from webapp.core.database import utcnow
from webapp.core.errors import Forbidden, Invalid, NotFound
from webapp.core.identity_proofs import make_link
from webapp.core.writes import create, delete, update
from webapp.places.resources import LOCATIONS

pytestmark = pytest.mark.both_databases
WEEK = timedelta(days=7)


def address(word="guest"):
    return f"{unique(word)}@example.org"


@pytest.fixture
def asked(organization):
    """Return a function that asks somebody in, committed, and returns (address, token of a link)."""

    def ask(role="technician", email="", actor=None, **options):
        email = email or address()
        with organization.context(actor) as context:
            made = invite(context, email=email, role=role, **options)
            connection = context.session.connection()
            target = {"organization_id": organization.id, "invitation_id": made.id}
            token = make_link("invitation", WEEK, **target, connection=connection)
            context.session.commit()
        return email, token

    return ask


def join(household, token, **options):
    """Accept an invitation as its page does."""
    with household.context() as context:
        user_id = accept(context, token, **{"user_id": None, "name": "Rui Ramos", "password": PASSWORD, **options})
        context.session.commit()
    return user_id


def role_of(app, email):
    with app.app_context():
        return [(tenant.id, role) for tenant, role in identity.memberships(identity.find_user(email)["id"])]


# Rules


def test_who_accepts_is_a_member_with_the_role_and_a_password(app, organization, asked):
    email, token = asked("auditor")

    join(organization, token)

    assert role_of(app, email) == [(organization.id, "auditor")]
    with app.app_context():
        assert sign_in(email, PASSWORD, ip=unique("ip"))


def test_the_place_goes_with_the_invitation(organization, asked):
    with organization.context() as context:
        lisbon = create(context, LOCATIONS, {"name": "Lisbon"})
        context.session.commit()
    _email, token = asked("manager", scope_location_id=lisbon)

    user_id = join(organization, token)

    with organization.context() as context:
        member = context.session.scalars(select(Membership).where(Membership.user_id == user_id)).one()
        assert member.scope_location_id == lisbon


def test_an_invitation_works_once(organization, asked):
    _email, token = asked()
    join(organization, token)

    with pytest.raises(NotFound):
        join(organization, token)


def test_an_invitation_is_over_after_a_week(organization, asked):
    _email, token = asked()

    with time_machine.travel(utcnow() + WEEK + timedelta(minutes=1), tick=False), pytest.raises(NotFound):
        join(organization, token)


def test_a_withdrawn_invitation_leads_nowhere(organization, asked):
    email, token = asked()
    with organization.context() as context:
        withdraw(context, context.session.scalars(select(Invitation.id).where(Invitation.email == email)).one())
        context.session.commit()

    with pytest.raises(NotFound):
        join(organization, token)


def test_a_link_of_one_organization_gives_nothing_in_another(app, organization, other_organization, asked):
    email, token = asked()

    with pytest.raises(NotFound):
        join(other_organization, token)

    with app.app_context():
        assert identity.find_user(email) is None


def test_an_invitation_of_others_can_be_neither_sent_nor_withdrawn(other_organization, organization, asked):
    email, _token = asked()
    with organization.context() as context:
        row_id = context.session.scalars(select(Invitation.id).where(Invitation.email == email)).one()

    with other_organization.context() as other:
        for act in (send_again, withdraw):
            with pytest.raises(NotFound):
                act(other, row_id)


@pytest.mark.parametrize(
    ("field", "options"),
    [("email", {"email": "nobody"}), ("role", {"role": "king"}), ("scope_location_id", {"scope_location_id": 10**9})],
)
def test_an_invitation_says_which_field_is_wrong(context, field, options):
    with pytest.raises(Invalid) as caught:
        invite(context, **{"email": address(), "role": "member", **options})

    assert list(caught.value.errors) == [field]


def test_nobody_is_asked_in_twice_and_no_member_is_asked_in(context, organization):
    email = address()
    invite(context, email=email, role="member")

    for taken in (email.upper(), organization.email):
        with pytest.raises(Invalid, match="already"):
            invite(context, email=taken, role="member")


def test_an_administrator_asks_no_owner_in(organization):
    with organization.context(organization.actor("admin")) as context, pytest.raises(Invalid, match="role"):
        invite(context, email=address(), role="owner")


def test_who_is_narrowed_asks_in_for_their_own_part_only(organization):
    with organization.context() as context:
        here, there = (create(context, LOCATIONS, {"name": name}) for name in ("Here", "There"))
        context.session.commit()

    with organization.context(organization.actor("admin", here)) as narrowed:
        for wrong in (None, there):
            with pytest.raises(Invalid, match="scope_location_id"):
                invite(narrowed, email=address(), role="member", scope_location_id=wrong)
        assert invite(narrowed, email=address(), role="member", scope_location_id=here)


@pytest.mark.parametrize("change", ["role", "removal", "disabled", "place"])
def test_an_invitation_falls_with_who_made_it(organization, asked, change):
    with organization.context() as context:
        place = create(context, LOCATIONS, {"name": "Lisbon"})
        inviter = add_member(context, email=address(), name="Ada", password=PASSWORD, role="admin")
        row_id, actor = inviter.id, organization.actor("admin")
        actor = type(actor)(**{**{f: getattr(actor, f) for f in actor.__slots__}, "user_id": inviter.user_id})
        context.session.commit()
    _email, token = asked("manager", actor=actor)

    with organization.context() as context:
        patches = {"role": {"role": "member"}, "disabled": {"is_active": False}, "place": {"scope_location_id": place}}
        update(context, MEMBERS, row_id, patches[change]) if change in patches else delete(context, MEMBERS, row_id)
        context.session.commit()

    with pytest.raises(Forbidden):
        join(organization, token)


def test_an_invitation_falls_with_the_key_that_made_it(app, organization):
    with organization.context() as context:
        key, secret = create_api_key(context, "onboarding", ["*"])
        context.session.commit()
        key_id = key.id
    with app.app_context():
        holder = identity.find_api_key(secret)
    with organization.context(holder.actor) as context:
        made = invite(context, email=address(), role="member")
        target = {"organization_id": organization.id, "invitation_id": made.id}
        token = make_link("invitation", WEEK, **target, connection=context.session.connection())
        context.session.commit()
    with organization.context() as context:
        revoke_api_key(context, key_id)
        context.session.commit()

    with pytest.raises(Forbidden):
        join(organization, token)


def test_an_invitation_is_in_the_history(organization, asked):
    email, token = asked()
    join(organization, token)

    with organization.context() as context:
        query = select(Activity).where(Activity.item_type == "invitations").order_by(Activity.id)
        lines = context.session.scalars(query).all()
    assert [line.item_name for line in lines] == [email, email]
    assert lines[0].changes["role"] == [None, "technician"]
    assert "accepted_at" in lines[1].changes


def test_a_place_that_an_invitation_is_for_is_not_deleted_while_it_is_open(organization, asked):
    with organization.context() as context:
        lisbon = create(context, LOCATIONS, {"name": "Lisbon"})
        context.session.commit()
    asked(scope_location_id=lisbon)

    api = organization.api_client()

    blocked = api.delete(f"locations/{lisbon}")
    assert (blocked.status_code, blocked.json["blockers"][0]["resource"]) == (409, "invitations")


# Letters and pages


def test_the_letter_carries_a_link_that_no_table_holds(app, organization, client):
    email = address()
    client.post("/members/invite", data={"email": email, "role": "member"})

    (letter,) = letters_to(app, email)

    token = path_in(letter).partition("token=")[2]
    with organization.context() as context:
        connection = context.session.connection()
        jobs = connection.exec_driver_sql("SELECT CAST(payload AS TEXT) FROM jobs").scalars().all()
    assert token not in "".join(jobs)
    assert organization.tenant.name in text_of(letter)
    assert "as Member" in text_of(letter, "html")


def test_another_letter_makes_the_first_link_worthless(app, organization, client, anonymous):
    email = address()
    client.post("/members/invite", data={"email": email, "role": "member"})
    (first,) = letters_to(app, email)
    with organization.context() as context:
        row_id = context.session.scalars(select(Invitation.id).where(Invitation.email == email)).one()

    assert client.post(f"/members/invitations/{row_id}/send").status_code == 303
    second = next(letter for letter in letters_to(app, email) if path_in(letter) != path_in(first))

    assert anonymous.get(path_in(first)).status_code == 404
    assert anonymous.get(path_in(second)).status_code == 200


def test_opening_the_link_accepts_nothing(app, organization, asked, anonymous):
    email, token = asked()

    for _ in range(2):
        page = anonymous.get(f"/invitation?token={token}")
        assert (page.status_code, email in page.get_data(as_text=True)) == (200, True)

    with app.app_context():
        assert identity.find_user(email) is None


def test_somebody_with_an_account_joins_with_its_password(app, organization, other_organization, asked, anonymous):
    email, token = asked("auditor", email=other_organization.email)
    assert "You have an account already" in anonymous.get(f"/invitation?token={token}").get_data(as_text=True)

    wrong = anonymous.post("/invitation", data={"token": token, "password": "not the one"})
    right = anonymous.post("/invitation", data={"token": token, "password": PASSWORD})

    assert (wrong.status_code, right.status_code) == (422, 303)
    assert organization.tenant.name in anonymous.get("/").get_data(as_text=True)
    assert sorted(role_of(app, email)) == sorted([(organization.id, "auditor"), (other_organization.id, "owner")])


def test_somebody_signed_in_joins_with_one_press(organization, other_organization, asked):
    _email, token = asked("auditor", email=other_organization.email)
    browser = other_organization.page_client()
    browser.get(f"/invitation?token={token}")

    assert browser.post("/invitation", data={"token": token}).status_code == 303
    assert organization.tenant.name in browser.get("/").get_data(as_text=True)


def test_somebody_else_who_is_signed_in_does_not_join(organization, other_organization, asked, as_role):
    _email, token = asked(email=other_organization.email)
    browser = as_role("member")
    browser.get(f"/invitation?token={token}")

    assert browser.post("/invitation", data={"token": token}).status_code == 422


def test_a_weak_password_is_refused_and_the_link_stays_good(organization, asked, anonymous):
    _email, token = asked()
    anonymous.get(f"/invitation?token={token}")

    refused = anonymous.post("/invitation", data={"token": token, "name": "Rui", "password": "short"})

    assert refused.status_code == 422
    assert "At least 10 characters" in refused.get_data(as_text=True)
    assert anonymous.post("/invitation", data={"token": token, "name": "Rui", "password": PASSWORD}).status_code == 303


def test_the_account_of_an_invitation_is_throttled(app, organization, other_organization, asked, anonymous):
    _email, token = asked(email=other_organization.email)
    anonymous.get(f"/invitation?token={token}")

    answers = [anonymous.post("/invitation", data={"token": token, "password": "wrong one"}) for _ in range(11)]

    assert [answer.status_code for answer in answers] == [422] * 10 + [429]
    assert int(answers[-1].headers["Retry-After"]) > 0


def test_who_tries_many_links_is_told_to_wait(app, monkeypatch):
    monkeypatch.setattr("webapp.accounts.gate_pages.WRONG_LINKS_AN_HOUR", 3)
    browser = anonymous_client(app)
    environ = {"REMOTE_ADDR": "203.0.113.77"}

    answers = [browser.get(f"/reset?token=guess{n}", environ_base=environ).status_code for n in range(4)]

    assert answers == [404, 404, 404, 429]


def test_the_members_page_lists_who_is_asked_in(client, asked):
    email, _token = asked("auditor", name="Rui Ramos")

    page = client.get("/members").get_data(as_text=True)

    assert email in page
    assert "Rui Ramos" in page


def test_an_invitation_is_withdrawn_after_a_question(client, organization, asked):
    email, _token = asked()
    with organization.context() as context:
        row_id = context.session.scalars(select(Invitation.id).where(Invitation.email == email)).one()

    assert email in client.get(f"/members/invitations/{row_id}/withdraw").get_data(as_text=True)
    assert client.post(f"/members/invitations/{row_id}/withdraw").status_code == 303

    client.get("/members")  # the toast
    assert email not in client.get("/members").get_data(as_text=True)


def test_the_api_asks_in_sends_again_and_withdraws(app, api):
    email = address()

    made = api.post("invitations", {"email": email, "role": "member"})
    row_id = made.json["data"]["id"]

    assert (made.status_code, made.json["data"]["email"]) == (201, email)
    assert len(letters_to(app, email)) == 1
    assert api.post(f"invitations/{row_id}/send", {}).status_code == 200
    assert len(letters_to(app, email)) == 2
    assert api.delete(f"invitations/{row_id}").status_code == 204
    assert api.get(f"invitations/{row_id}").status_code == 404
