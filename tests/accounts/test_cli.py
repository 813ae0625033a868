import pytest

from tests.households import PASSWORD, unique
from webapp.core import identity
from webapp.core.database import utcnow
from webapp.core.identity_proofs import find_factor, set_factor


@pytest.fixture
def flask(app):
    """Return a function that runs a flask command."""
    return lambda *arguments: app.test_cli_runner().invoke(args=arguments)


def test_an_organization_is_made_and_its_slug_printed(flask, app):
    name, email = unique("Kestrel"), f"{unique('admin')}@example.org"

    result = flask("create-organization", name, "--admin-email", email, "--admin-password", PASSWORD)

    assert (result.exit_code, result.output) == (0, f"{name.lower()}\n")
    with app.app_context():
        assert identity.organization_by_slug(name.lower()).name == name


def test_what_is_wrong_is_said_and_nothing_is_made(flask):
    result = flask("create-organization", "Kestrel", "--admin-email", "nobody", "--admin-password", "short")

    assert result.exit_code == 1
    assert "admin_email" in result.output
    assert "admin_password" in result.output


def test_a_key_is_printed_alone_and_works(flask, app, organization):
    scopes = "assets:read assets:write"
    result = flask("create-api-key", "--organization", organization.tenant.slug, "--name", "sync", "--scopes", scopes)

    assert result.exit_code == 0
    with app.app_context():
        assert identity.find_api_key(result.output.strip()).actor.permissions == {"assets:read", "assets:write"}


def test_a_key_without_scopes_may_do_everything(flask, app, organization):
    result = flask("create-api-key", "--organization", organization.tenant.slug, "--name", "sync")

    with app.app_context():
        holder = identity.find_api_key(result.output.strip())
    assert holder.actor.permissions == organization.owner.permissions


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--organization", "there-is-none"), "there is no organization"),
        (("--scopes", "fly:write"), "fly:write"),
        (("--dialect", "klingon"), "dialect"),
    ],
)
def test_a_key_that_cannot_be_made_says_why(flask, organization, options, said):
    result = flask("create-api-key", "--organization", organization.tenant.slug, "--name", "sync", *options)

    assert result.exit_code == 1
    assert said in result.output


def test_the_first_organization_may_be_made_before_the_first_start(new_database, new_app):
    runner = new_app(new_database(migrated=False)).test_cli_runner()
    typed = ["--admin-email", "ines@example.org", "--admin-password", "correct horse battery"]

    made = runner.invoke(args=["create-organization", "Kestrel Field Research", *typed])

    assert (made.exit_code, made.stdout) == (0, "kestrel-field-research\n"), made.output


def test_a_lost_second_factor_is_dropped_and_written_down(flask, app, organization):
    with app.app_context():
        set_factor(organization.owner.user_id, "sealed", since=utcnow())
        secret = identity.open_session(organization.owner.user_id, organization.id)

    result = flask("reset-second-factor", "--email", organization.email.upper())

    assert (result.exit_code, result.output) == (0, f"{organization.email}\n")
    with app.app_context():
        assert find_factor(organization.owner.user_id)["second_factor_at"] is None
        assert identity.find_session(secret) is None
    lines = organization.api_client().get(f"users/{organization.owner.user_id}/history").json["data"]
    assert (lines[0]["event"], lines[0]["actor_name"]) == ("SecondFactorReset", "command line")


def test_an_unknown_account_is_said_so(flask):
    assert "there is no account" in flask("reset-second-factor", "--email", "nobody@example.org").output
