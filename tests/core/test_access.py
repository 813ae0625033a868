"""Who may do what."""

import pytest

from tests.households import Household
from webapp.core import access
from webapp.core.access import Permission, all_permissions, can, declare, granted, permissions_of, require
from webapp.core.context import Context
from webapp.core.errors import Forbidden


def test_an_owner_holds_every_permission(context: Context):
    assert permissions_of("owner") == set(all_permissions())


@pytest.mark.parametrize(
    ("role", "reads", "writes_assets", "writes_places", "writes_statuses"),
    [
        ("admin", True, True, True, True),
        ("manager", True, True, True, False),
        ("technician", True, True, False, False),
        ("auditor", True, False, False, False),
        ("member", True, False, False, False),
    ],
)
def test_each_role_holds_what_its_name_says(
    organization: Household, role: str, reads: bool, writes_assets: bool, writes_places: bool, writes_statuses: bool
):
    actor = organization.actor(role)

    assert can(actor, "assets:read") is reads
    assert can(actor, "assets:write") is writes_assets
    assert can(actor, "locations:write") is writes_places
    assert can(actor, "statuses:write") is writes_statuses


def test_a_role_that_nobody_knows_holds_nothing(context: Context):
    assert permissions_of("root") == frozenset()


def test_a_keys_scopes_cut_what_its_role_holds(context: Context):
    assert granted("member", ["assets:read", "assets:write"]) == {"assets:read"}
    assert granted("member", ["*"]) == permissions_of("member")
    assert granted("member", []) == frozenset()


def test_a_permission_is_declared_with_one_meaning(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(access, "_permissions", all_permissions())
    declare([Permission("test:once", frozenset({"owner"}))])
    declare([Permission("test:once", frozenset({"owner"}))])

    with pytest.raises(ValueError, match="declared twice"):
        declare([Permission("test:once", frozenset({"member"}))])


def test_who_lacks_a_permission_is_told_which(organization: Household):
    with pytest.raises(Forbidden, match="assets:write"):
        require(organization.actor("member"), "assets:write")


def test_a_misspelt_permission_is_a_mistake_of_ours_and_opens_nothing(context: Context):
    with pytest.raises(ValueError, match="assets:wriet"):
        require(context.actor, "assets:wriet")


def test_a_key_for_reading_cannot_write(organization: Household):
    reader = organization.api_client(scopes=("locations:read",))

    assert reader.get("locations").status_code == 200
    assert reader.post("locations", {"name": "Lisbon"}).status_code == 403
    assert reader.get("assets").status_code == 403


def test_an_auditor_is_shown_places_and_refused_their_form(organization: Household):
    auditor = organization.member_client("auditor")

    assert auditor.get("/locations").status_code == 200
    assert auditor.get("/locations/new").status_code == 403
