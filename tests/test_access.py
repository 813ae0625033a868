"""Who gets where: every route is derived from a resource or stands in the table below, and every role is tried on it."""

import io
import re

import pytest

from tests.clients import ApiClient
from tests.factories import RESOURCES, make
from tests.households import found_organization, unique
from webapp.archives import rules as archives
from webapp.core.access import ROLES, permissions_of
from webapp.core.activity import history
from webapp.core.jobs import run_job
from webapp.core.query import get_row
from webapp.imports import mappings
from webapp.imports import rules as imports
from webapp.reports import rules as exports
from webapp.webhooks import rules as webhooks

PUBLIC, SIGNED_IN, OWN = "public", "signed in", "one's own"
UNKNOWN, NO_CHANGE = 999_999_999, "00000000-0000-0000-0000-000000000000"
SAFE = {"GET"}
# What is written by hand: (method, rule) and the permission it needs.
BY_HAND = {
    ("GET", "/"): SIGNED_IN,
    ("GET", "/static/<path:filename>"): PUBLIC,
    ("GET", "/healthz"): PUBLIC,
    ("GET", "/readyz"): PUBLIC,
    ("GET", "/login"): PUBLIC,
    ("POST", "/login"): PUBLIC,
    ("POST", "/logout"): PUBLIC,
    ("GET", "/setup"): PUBLIC,
    ("POST", "/setup"): PUBLIC,
    ("GET", "/password"): SIGNED_IN,
    ("POST", "/password"): SIGNED_IN,
    ("GET", "/login/code"): PUBLIC,
    ("POST", "/login/code"): PUBLIC,
    ("GET", "/forgot"): PUBLIC,
    ("POST", "/forgot"): PUBLIC,
    ("GET", "/reset"): PUBLIC,
    ("POST", "/reset"): PUBLIC,
    ("GET", "/invitation"): PUBLIC,
    ("POST", "/invitation"): PUBLIC,
    ("GET", "/profile"): SIGNED_IN,
    ("POST", "/profile"): SIGNED_IN,
    ("POST", "/profile/sessions/<name>/end"): SIGNED_IN,
    ("POST", "/profile/sign-out-everywhere"): SIGNED_IN,
    ("GET", "/profile/second-factor"): SIGNED_IN,
    ("POST", "/profile/second-factor/begin"): SIGNED_IN,
    ("POST", "/profile/second-factor/confirm"): SIGNED_IN,
    ("POST", "/profile/second-factor/codes"): SIGNED_IN,
    ("POST", "/profile/second-factor/off"): SIGNED_IN,
    ("GET", "/organizations"): SIGNED_IN,
    ("POST", "/organizations/<slug>/enter"): SIGNED_IN,
    ("GET", "/settings/organization"): "organizations:write",
    ("POST", "/settings/organization"): "organizations:write",
    ("GET", "/settings/api-keys"): "api-keys:read",
    ("GET", "/settings/api-keys/new"): "api-keys:write",
    ("POST", "/settings/api-keys/new"): "api-keys:write",
    ("GET", "/settings/api-keys/<int:row_id>/revoke"): "api-keys:write",
    ("POST", "/settings/api-keys/<int:row_id>/revoke"): "api-keys:write",
    ("GET", "/settings/api-keys/<int:row_id>"): "api-keys:read",
    ("GET", "/members"): "members:read",
    ("GET", "/members/new"): "members:write",
    ("POST", "/members/new"): "members:write",
    ("GET", "/members/invite"): "members:write",
    ("POST", "/members/invite"): "members:write",
    ("POST", "/members/invitations/<int:row_id>/send"): "members:write",
    ("GET", "/members/invitations/<int:row_id>/withdraw"): "members:write",
    ("POST", "/members/invitations/<int:row_id>/withdraw"): "members:write",
    ("GET", "/members/<int:row_id>/second-factor"): "members:write",
    ("POST", "/members/<int:row_id>/second-factor"): "members:write",
    ("GET", "/members/<int:row_id>"): "members:write",
    ("POST", "/members/<int:row_id>"): "members:write",
    ("GET", "/members/<int:row_id>/remove"): "members:write",
    ("POST", "/members/<int:row_id>/remove"): "members:write",
    ("GET", "/imports"): "imports:read",
    ("POST", "/imports"): "imports:write",
    ("GET", "/imports/<int:import_id>"): "imports:read",
    ("GET", "/imports/<int:import_id>/progress"): "imports:read",
    ("GET", "/imports/<int:import_id>/rows.<any(csv, xlsx):format>"): "imports:read",
    ("GET", "/imports/<int:import_id>/rows/<int:number>"): "imports:write",
    ("POST", "/imports/<int:import_id>/rows/<int:number>"): "imports:write",
    ("POST", "/imports/<int:import_id>/rows/<int:number>/skip"): "imports:write",
    ("GET", "/imports/<int:import_id>/kept"): "imports:read",
    ("GET", "/imports/<int:import_id>/kept.<any(csv, xlsx):format>"): "imports:read",
    ("GET", "/imports/mappings"): "imports:read",
    ("POST", "/imports/mappings/<int:mapping_id>"): "imports:write",
    ("POST", "/imports/mappings/<int:mapping_id>/delete"): "imports:write",
    ("POST", "/imports/<int:import_id>/columns"): "imports:write",
    ("POST", "/imports/<int:import_id>/use"): "imports:write",
    ("POST", "/imports/<int:import_id>/keep"): "imports:write",
    ("POST", "/imports/<int:import_id>/apply"): "imports:write",
    ("POST", "/imports/<int:import_id>/stop"): "imports:write",
    ("POST", "/imports/<int:import_id>/undo"): "imports:write",
    ("POST", "/imports/<int:import_id>/discard"): "imports:write",
    ("GET", "/webhooks"): "webhooks:read",
    ("GET", "/webhooks/new"): "webhooks:write",
    ("POST", "/webhooks/new"): "webhooks:write",
    ("GET", "/webhooks/<int:row_id>"): "webhooks:read",
    ("GET", "/webhooks/<int:row_id>/edit"): "webhooks:write",
    ("POST", "/webhooks/<int:row_id>/edit"): "webhooks:write",
    ("POST", "/webhooks/<int:row_id>/test"): "webhooks:write",
    ("GET", "/webhooks/<int:row_id>/rotate-secret"): "webhooks:write",
    ("POST", "/webhooks/<int:row_id>/rotate-secret"): "webhooks:write",
    ("GET", "/webhooks/<int:row_id>/enable"): "webhooks:write",
    ("POST", "/webhooks/<int:row_id>/enable"): "webhooks:write",
    ("POST", "/webhooks/<int:row_id>/disable"): "webhooks:write",
    ("GET", "/webhooks/<int:row_id>/delete"): "webhooks:write",
    ("POST", "/webhooks/<int:row_id>/delete"): "webhooks:write",
    ("GET", "/webhooks/<int:row_id>/deliveries/<int:delivery_id>"): "webhooks:read",
    ("POST", "/webhooks/<int:row_id>/deliveries/<int:delivery_id>/send"): "webhooks:write",
    ("GET", "/exports/large"): "exports:read",
    ("POST", "/exports/large"): "exports:read",
    ("GET", "/exports/<int:row_id>/progress"): "exports:read",
    ("GET", "/exports/<int:row_id>/file"): "exports:read",
    ("GET", "/archives"): "archives:write",
    ("POST", "/archives"): "archives:write",
    ("GET", "/archives/<int:row_id>/progress"): "archives:write",
    ("GET", "/archives/<int:row_id>/download"): "archives:write",
    ("GET", "/archives/<int:row_id>/remove"): "archives:write",
    ("POST", "/archives/<int:row_id>/remove"): "archives:write",
    ("GET", "/archives/bring-in"): "archives:write",
    ("POST", "/archives/bring-in"): "archives:write",
    ("GET", "/search"): SIGNED_IN,
    ("GET", "/search/acts"): SIGNED_IN,
    ("GET", "/locations/tree"): "locations:read",
    ("GET", "/jobs/<int:job_id>"): OWN,
    ("POST", "/changes/<change_set_id>/undo"): OWN,
    ("GET", "/api/docs"): PUBLIC,
    ("GET", "/api/v1/openapi.json"): PUBLIC,
    ("POST", "/api/v1/auth/login"): PUBLIC,
    ("POST", "/api/v1/auth/refresh"): PUBLIC,
    ("POST", "/api/v1/auth/logout"): SIGNED_IN,
    ("GET", "/api/v1/me"): SIGNED_IN,
    ("GET", "/api/v1/jobs"): SIGNED_IN,
    ("GET", "/api/v1/jobs/<row_id:row_id>"): OWN,
    ("POST", "/api/v1/jobs/<row_id:row_id>/cancel"): OWN,
    ("GET", "/api/v1/activity"): "activity:read",
    ("GET", "/api/v1/changes/<uuid:change_set_id>"): "activity:read",
    ("POST", "/api/v1/changes/<uuid:change_set_id>/undo"): OWN,
    ("POST", "/api/v1/members"): "members:write",
    ("POST", "/api/v1/invitations"): "invitations:write",
    ("POST", "/api/v1/invitations/<row_id:row_id>/send"): "invitations:write",
    ("DELETE", "/api/v1/invitations/<row_id:row_id>"): "invitations:write",
    ("POST", "/api/v1/api-keys"): "api-keys:write",
    ("DELETE", "/api/v1/api-keys/<row_id:row_id>"): "api-keys:write",
    ("GET", "/api/v1/api-keys/<row_id:row_id>/usage"): "api-keys:read",
    ("GET", "/api/v1/assets/<row_id:row_id>/book-value"): "assets:read",
    ("GET", "/api/v1/assets/<row_id:row_id>/depreciation-schedule"): "assets:read",
    ("GET", "/api/v1/exports/<row_id:row_id>/runs"): "exports:read",
    ("GET", "/api/v1/exports/<row_id:row_id>/file"): "exports:read",
    ("GET", "/api/v1/imports"): "imports:read",
    ("POST", "/api/v1/imports"): "imports:write",
    ("GET", "/api/v1/imports/<row_id:row_id>"): "imports:read",
    ("PATCH", "/api/v1/imports/<row_id:row_id>"): "imports:write",
    ("DELETE", "/api/v1/imports/<row_id:row_id>"): "imports:write",
    ("GET", "/api/v1/imports/<row_id:row_id>/rows"): "imports:read",
    ("PATCH", "/api/v1/imports/<row_id:row_id>/rows/<row_id:number>"): "imports:write",
    ("GET", "/api/v1/imports/<row_id:row_id>/kept"): "imports:read",
    ("GET", "/api/v1/imports/mappings"): "imports:read",
    ("POST", "/api/v1/imports/mappings"): "imports:write",
    ("GET", "/api/v1/imports/mappings/<row_id:mapping_id>"): "imports:read",
    ("PATCH", "/api/v1/imports/mappings/<row_id:mapping_id>"): "imports:write",
    ("DELETE", "/api/v1/imports/mappings/<row_id:mapping_id>"): "imports:write",
    ("POST", "/api/v1/imports/<row_id:row_id>/apply"): "imports:write",
    ("POST", "/api/v1/imports/<row_id:row_id>/stop"): "imports:write",
    ("POST", "/api/v1/imports/<row_id:row_id>/undo"): "imports:write",
    ("POST", "/api/v1/webhooks"): "webhooks:write",
    ("POST", "/api/v1/webhooks/<row_id:row_id>/rotate-secret"): "webhooks:write",
    ("POST", "/api/v1/webhooks/<row_id:row_id>/enable"): "webhooks:write",
    ("POST", "/api/v1/webhooks/<row_id:row_id>/test"): "webhooks:write",
    ("GET", "/api/v1/webhooks/<row_id:row_id>/deliveries"): "webhooks:read",
    ("GET", "/api/v1/webhooks/<row_id:row_id>/deliveries/<row_id:delivery_id>"): "webhooks:read",
    ("POST", "/api/v1/webhooks/<row_id:row_id>/deliveries/<row_id:delivery_id>/resend"): "webhooks:write",
}
LEAVING = {"/profile/sign-out-everywhere"}
# Public pages that show something only to who holds a token: their own tests see to them.
FOR_HOLDERS = {"/setup", "/login/code", "/reset", "/invitation"}
# What every resource has on a face, as far as it declares the verb: verb → (method, path, right).
API = (
    ("list", "GET", "", "read"),
    ("create", "POST", "", "write"),
    ("get", "GET", "/<row_id:row_id>", "read"),
    ("update", "PATCH", "/<row_id:row_id>", "write"),
    ("delete", "DELETE", "/<row_id:row_id>", "write"),
    ("restore", "POST", "/<row_id:row_id>/restore", "write"),
    ("history", "GET", "/<row_id:row_id>/history", "read"),
)
PAGES = (
    ("list", "GET", "", "read"),
    ("list", "GET", "/export.<any(csv, xlsx, jsonl):format>", "read"),
    ("list", "GET", "/choices", "read"),
    ("list", "POST", "/columns", "read"),
    ("list", "GET", "/views", "read"),
    ("list", "POST", "/views", "read"),
    ("create", "GET", "/new", "write"),
    ("create", "POST", "/new", "write"),
    ("get", "GET", "/<int:row_id>", "read"),
    ("update", "GET", "/<int:row_id>/edit", "write"),
    ("update", "POST", "/<int:row_id>/edit", "write"),
    ("update", "POST", "/<int:row_id>/undo", "write"),
    ("delete", "GET", "/<int:row_id>/delete", "write"),
    ("delete", "POST", "/<int:row_id>/delete", "write"),
    ("restore", "POST", "/<int:row_id>/restore", "write"),
    ("history", "GET", "/<int:row_id>/history", "read"),
    ("update", "GET", "/bulk/<action>", "write"),
    ("update", "POST", "/bulk/<action>", "write"),
)


def derived():
    """Return {(method, rule): permission} of every route that a resource declares."""
    found = {}
    for resource in RESOURCES.values():
        for verb, method, path, right in API:
            if verb in resource.api and (verb != "restore" or "deleted_at" in resource.table.c):
                found[method, f"/api/v1/{resource.name}{path}"] = f"{resource.name}:{right}"
        if resource.sync_key:
            found["POST", f"/api/v1/{resource.name}/sync"] = resource.write_permission
        if {"update", "delete"} <= resource.api:
            found["POST", f"/api/v1/{resource.name}/bulk"] = resource.write_permission
        for verb, method, path, right in PAGES:
            if verb in resource.pages:
                found[method, f"/{resource.name}{path}"] = f"{resource.name}:{right}"
        for action in resource.actions:
            found["POST", f"/api/v1/{resource.name}/<row_id:row_id>/{action.path}"] = action.permission
            for method in ("GET", "POST"):
                found[method, f"/{resource.name}/<int:row_id>/{action.path}"] = action.permission
    return found


def served(app):
    """Return every (method, rule) that the application answers."""
    return {(m, plain(rule.rule)) for rule in app.url_map.iter_rules() for m in rule.methods - {"HEAD", "OPTIONS"}}


def plain(rule):
    """Return a rule without the limits of its numbers."""
    return re.sub(r"<int\(.*?\)", "<int", rule)


DECLARED = derived() | BY_HAND


def test_every_route_is_declared_and_every_declared_route_is_there(app):
    assert served(app) - set(DECLARED) == set()
    assert set(DECLARED) - served(app) == set()


def test_no_route_is_declared_twice():
    assert set(derived()) & set(BY_HAND) == set()


@pytest.fixture(scope="module")
def office(app):
    """An organization with one row of everything that a route may show, by the name in its path."""
    household = found_organization(app, unique("Office"))
    rows = {name: make(household, name) for name in RESOURCES}
    with household.context() as context:
        rows["changes"] = history(context, RESOURCES["assets"], rows["assets"])[0]["change_set_id"]
        rows["imports"] = imports.upload(context, "assets", io.BytesIO(b"Name,Category\nCamera,Cameras\n"), "a.csv")
        rows["jobs"] = imports.get_import(context, rows["imports"])["job_id"]
        rows["mappings"] = mappings.make(context, "assets", "Lab sheet", {"Name": "name"}, {})
        exports.run_now(context, [rows["exports"]], {})
        made = get_row(context, RESOURCES["exports"], rows["exports"])["job_id"]
        rows["archives"] = archives.make(context)
        archived = archives.get_archive(context, rows["archives"])["job_id"]
        rows["deliveries"] = webhooks.send_test(context, rows["webhooks"])
        context.session.commit()
    with app.app_context():
        run_job(household.id, made)
        run_job(household.id, archived)
    return household, rows | {"settings": rows["api-keys"]}


def path_of(rule, rows):
    """Return a rule's path with what it asks for: a row that is there, of the kind that its path names."""
    below = next((name for name in ("invitations", "mappings") if f"/{name}/" in rule), None)
    kind = below or rule.removeprefix("/api/v1").split("/")[1]
    values = {"action": "edit", "format": "csv", "slug": "nowhere", "filename": "css/app.css"}
    values |= {"change_set_id": rows.get("changes", NO_CHANGE), "delivery_id": rows.get("deliveries", UNKNOWN)}
    return re.sub(r"<(?:.*?:)?(\w+)>", lambda found: str(values.get(found[1], rows.get(kind, UNKNOWN))), rule)


def tried(client, rows, face):
    """Yield (permission, method, path, answer) of every route of a face; what writes is tried on rows that are not there."""
    for (method, rule), permission in sorted(DECLARED.items()):
        if rule.startswith("/api/v1") == (face == "api") and permission != PUBLIC and rule not in LEAVING:
            path = path_of(rule, rows if method in SAFE else {})
            yield permission, method, path, send(client, method, path)


def send(client, method, path):
    """Send an empty write, or read."""
    if isinstance(client, ApiClient):
        return client.request(method, path, None if method in SAFE | {"DELETE"} else {})
    return client.open(path, method=method)


@pytest.mark.parametrize("face", ["page", "api"])
@pytest.mark.parametrize("role", ROLES)
def test_a_role_gets_where_it_was_declared_to_and_nowhere_else(office, role, face):
    household, rows = office
    held = permissions_of(role)
    client = household.member_client(role) if face == "page" else household.api_client(tuple(held))
    wrong = []
    for permission, method, path, answer in tried(client, rows, face):
        allowed, status = permission in held | {SIGNED_IN}, answer.status_code
        let_in = status in {200, 303} if method in SAFE else status not in {401, 403} and status < 500
        refused = status == (404 if permission == OWN else 403)
        if not let_in if allowed else not refused:
            wrong.append((method, path, status, permission))

    assert wrong == []


def test_who_has_not_signed_in_is_sent_to_do_so(anonymous, office):
    anonymous.get("/login")

    for _permission, method, path, answer in tried(anonymous, office[1], "page"):
        assert answer.status_code == 302, (method, path, answer.status_code)
        assert answer.location.partition("?")[0] == "/login"


@pytest.mark.parametrize("token", ["", "nonsense", "qm_live_00000000_" + "0" * 49])
def test_without_a_valid_key_the_api_says_nothing(app, office, token):
    for _permission, method, path, answer in tried(ApiClient(app, token), office[1], "api"):
        assert answer.status_code == 401, (method, path)
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert answer.mimetype == "application/problem+json"


def test_the_api_does_not_know_the_browsers_session(office):
    client = office[0].page_client()

    for (method, rule), permission in sorted(DECLARED.items()):
        if rule.startswith("/api/v1") and permission != PUBLIC:
            assert client.open(path_of(rule, office[1]), method=method).status_code == 401, (method, rule)


def test_the_pages_do_not_know_keys(app, office):
    key = office[0].api_client()

    for (method, rule), permission in sorted(DECLARED.items()):
        if not rule.startswith("/api/v1") and permission != PUBLIC and method in SAFE:
            answer = key.client.get(path_of(rule, office[1]), headers={"Authorization": f"Bearer {key.token}"})
            assert answer.status_code == 302, rule


def test_what_is_public_is_open_and_says_nothing_of_anybody(anonymous, office):
    household, rows = office
    for (method, rule), permission in sorted(DECLARED.items()):
        if permission == PUBLIC and method in SAFE and rule not in FOR_HOLDERS:
            with anonymous.get(path_of(rule, rows)) as answer:
                assert answer.status_code == 200, rule
                assert household.tenant.name not in answer.get_data(as_text=True)


def test_a_write_from_another_site_is_refused(office):
    client = office[0].page_client()

    for (method, rule), _permission in sorted(DECLARED.items()):
        if method not in SAFE and not rule.startswith("/api/"):
            answer = client.open(path_of(rule, {}), method=method, headers={"Sec-Fetch-Site": "cross-site"})
            assert answer.status_code == 403, rule


def test_a_write_without_its_token_is_refused(office):
    client = office[0].page_client()
    client.csrf_token = ""

    for (method, rule), _permission in sorted(DECLARED.items()):
        if method not in SAFE and not rule.startswith("/api/"):
            assert client.open(path_of(rule, {}), method=method).status_code == 400, rule
            client.csrf_token = ""
