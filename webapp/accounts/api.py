"""What the API does with accounts beyond the usual: oneself, letting people in, making and revoking keys."""

from typing import Any

from flask import Response
from flask_smorest import Blueprint
from marshmallow import RAISE, Schema

from webapp.accounts.choices import DIALECTS
from webapp.accounts.invitations import INVITATIONS_AN_HOUR, invite, send_again, withdraw
from webapp.accounts.passwords import LONGEST
from webapp.accounts.resources import API_KEYS, INVITATIONS, MEMBERS, ROLE_CHOICES, ApiKeySchema
from webapp.accounts.rules import add_member, create_api_key, revoke_api_key
from webapp.accounts.throttles import allow
from webapp.core.context import current_context
from webapp.core.fields import Choice, Codes, Moment, Reference, Text
from webapp.core.query import get_row
from webapp.faces import openapi
from webapp.faces.api import PREFIX, answer, entered, json_body, load, one
from webapp.faces.serialize import dump, to_plain

blueprint = Blueprint("api_accounts", __name__, url_prefix=PREFIX)
ME = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "role": {"type": "string"},
        "permissions": {"type": "array", "items": {"type": "string"}},
        "user_id": {"type": ["integer", "null"]},
        "api_key_id": {"type": ["integer", "null"]},
        "scope_location_id": {"type": ["integer", "null"]},
        "organization": {
            "type": "object",
            "properties": {
                name: {"type": "integer" if name == "id" else "string"}
                for name in ("id", "guid", "name", "slug", "currency", "timezone", "locale")
            },
        },
    },
}


class NewMemberSchema(Schema):
    """Somebody who is to come in."""

    email = Text(required=True)
    name = Text()
    password = Text(max=LONGEST)
    role = Choice(ROLE_CHOICES, required=True)
    scope_location_id = Reference("locations")


class NewInvitationSchema(Schema):
    """Somebody who is to be asked in."""

    email = Text(required=True)
    name = Text()
    role = Choice(ROLE_CHOICES, required=True)
    scope_location_id = Reference("locations")


class NewKeySchema(Schema):
    """A key that is to be made."""

    name = Text(required=True)
    scopes = Codes(required=True)
    dialect = Choice(DIALECTS, load_default="native", nullable=False)
    expires_at = Moment()
    ip_allowlist = Codes(load_default=list, nullable=False)
    scope_location_id = Reference("locations")


class MadeKeySchema(ApiKeySchema):
    """A key as the answer that makes it shows it."""

    key = Text(dump_only=True)


@blueprint.get("/me")
@openapi.document("me", "Who asks, and what they may do", ME)
def me() -> Response:
    """Say whom the key speaks for."""
    context = current_context()
    actor, tenant = context.actor, context.tenant
    shown = ("id", "guid", "name", "slug", "currency", "timezone", "locale")
    body: dict[str, Any] = {
        "name": actor.name,
        "role": actor.role,
        "permissions": sorted(actor.permissions),
        "user_id": actor.user_id,
        "api_key_id": actor.api_key_id,
        "scope_location_id": actor.scope_location_id,
        "organization": {name: getattr(tenant, name) for name in shown},
    }
    return answer(dump({"data": body}))


@blueprint.post("/members")
@openapi.document(
    "members",
    "Let somebody in",
    MEMBERS.schema_for(),
    status=201,
    errors=openapi.BODY_ERRORS,
    body=openapi.json_body(NewMemberSchema()),
)
def create_member() -> Response:
    """Make somebody a member, and a user when the address is new."""
    context = entered(MEMBERS, write=True)
    wanted = load(NewMemberSchema(unknown=RAISE), json_body())
    member = add_member(
        context,
        email=wanted["email"],
        name=wanted.get("name") or "",
        password=wanted.get("password") or "",
        role=wanted["role"],
        scope_location_id=wanted.get("scope_location_id"),
    )
    return one(context, MEMBERS, member.id, 201, Location=f"{PREFIX}/members/{member.id}")


@blueprint.post("/invitations")
@openapi.document(
    "invitations",
    "Ask somebody in by mail",
    INVITATIONS.schema_for(),
    status=201,
    errors=openapi.BODY_ERRORS,
    body=openapi.json_body(NewInvitationSchema()),
)
def create_invitation() -> Response:
    """Mail somebody a link by which they become a member."""
    context = entered(INVITATIONS, write=True)
    wanted = load(NewInvitationSchema(unknown=RAISE), json_body())
    allow("invite", str(context.organization_id), limit=INVITATIONS_AN_HOUR)
    made = invite(
        context,
        email=wanted["email"],
        name=wanted.get("name") or "",
        role=wanted["role"],
        scope_location_id=wanted.get("scope_location_id"),
    )
    return one(context, INVITATIONS, made.id, 201, Location=f"{PREFIX}/invitations/{made.id}")


@blueprint.post("/invitations/<row_id:row_id>/send")
@openapi.document("invitations", "Mail an invitation again, for another week", INVITATIONS.schema_for(), errors=(404,))
def resend_invitation(row_id: int) -> Response:
    """Mail an invitation anew; the link of the last letter no longer works."""
    context = entered(INVITATIONS, write=True)
    allow("invite", str(context.organization_id), limit=INVITATIONS_AN_HOUR)
    return one(context, INVITATIONS, send_again(context, row_id).id)


@blueprint.delete("/invitations/<row_id:row_id>")
@openapi.document("invitations", "Withdraw an invitation", None, status=204, errors=(404, 422))
def withdraw_invitation(row_id: int) -> Response:
    """Take an invitation back."""
    withdraw(entered(INVITATIONS, write=True), row_id)
    return Response(status=204)


@blueprint.post("/api-keys")
@openapi.document(
    "api-keys",
    "Make a key; its secret is in this answer alone",
    MadeKeySchema(),
    status=201,
    errors=openapi.BODY_ERRORS,
    body=openapi.json_body(NewKeySchema()),
)
def create_key() -> Response:
    """Make a key. An Idempotency-Key is not honored here: a secret is not kept."""
    context = entered(API_KEYS, write=True)
    wanted = load(NewKeySchema(unknown=RAISE), json_body())
    key, token = create_api_key(
        context,
        wanted["name"],
        wanted["scopes"],
        dialect=wanted["dialect"],
        expires_at=wanted.get("expires_at"),
        ip_allowlist=wanted["ip_allowlist"],
        scope_location_id=wanted.get("scope_location_id"),
    )
    row = to_plain(API_KEYS, get_row(context, API_KEYS, key.id))
    headers = {"Location": f"{PREFIX}/api-keys/{key.id}", "ETag": f'"{key.version}"'}
    return answer(dump({"data": {**row, "key": token}}), 201, **headers)


@blueprint.delete("/api-keys/<row_id:row_id>")
@openapi.document("api-keys", "Revoke a key, at once and for good", None, status=204, errors=(404, 422))
def revoke_key(row_id: int) -> Response:
    """Revoke a key."""
    revoke_api_key(entered(API_KEYS, write=True), row_id)
    return Response(status=204)
