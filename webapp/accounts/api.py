"""What the API does with accounts beyond the usual: oneself, letting people in, making and revoking keys."""

from datetime import date, timedelta
from typing import Any

from flask import Response, g, request
from flask_babel import gettext as _
from flask_smorest import Blueprint
from marshmallow import RAISE, Schema, fields, validate

from webapp.accounts import log_api
from webapp.accounts.choices import DIALECTS
from webapp.accounts.invitations import INVITATIONS_AN_HOUR, invite, send_again, withdraw
from webapp.accounts.passwords import LONGEST
from webapp.accounts.resources import API_KEYS, INVITATIONS, MEMBERS, ROLE_CHOICES, ApiKeySchema
from webapp.accounts.rules import add_member, create_api_key, revoke_api_key
from webapp.accounts.sign_ins import log_in, refresh
from webapp.accounts.throttles import allow
from webapp.accounts.usage import DAYS_SHOWN, totals_of, usage_of
from webapp.core import identity
from webapp.core.context import Context, current_context
from webapp.core.errors import Conflict, Invalid
from webapp.core.fields import Choice, Codes, Day, Moment, Reference, Text
from webapp.core.query import get_row
from webapp.faces import openapi
from webapp.faces.api import PREFIX, answer, entered, idempotent, json_body, load, one
from webapp.faces.serialize import dump, to_plain

blueprint = Blueprint("api_accounts", __name__, url_prefix=PREFIX)
log_api.serve(blueprint)
PASSWORD_LIMIT, TOKEN_LIMIT = 1024, 1024  # a password that is too long is a wrong one, no wrong field
ABOUT_SIGN_INS = (
    "For scripts that act as a person; systems use keys. What the tokens may do is what the person may do, now: "
    "another role, place or password, a sign-out and a removal end them at once. Who belongs to several organizations "
    "names one, by slug or id. An account with a second factor is refused (403 `second_factor_required`): make a key."
)
SIGNED_IN = {
    "type": "object",
    "required": ["access_token", "refresh_token", "token_type", "expires_in", "organization"],
    "properties": {
        "access_token": {"type": "string", "description": "Goes into `Authorization: Bearer …`"},
        "refresh_token": {"type": "string", "description": "Works once: using a dead one ends the sign-in"},
        "token_type": {"type": "string", "enum": ["Bearer"]},
        "expires_in": {"type": "integer", "description": "Seconds until the access token is over"},
        "organization": {
            "type": "object",
            "properties": {"id": {"type": "integer"}, "name": {"type": "string"}, "slug": {"type": "string"}},
        },
    },
}
FROM = {
    "name": "from",
    "in": "query",
    "schema": {"type": "string", "format": "date"},
    "description": "The first day, in the organization's time zone; thirty days in all when it is left out",
}
TO = {
    "name": "to",
    "in": "query",
    "schema": {"type": "string", "format": "date"},
    "description": "The last day; today when it is left out",
}
COUNTS = {
    "requests": {"type": "integer", "description": "All of them, whatever was answered"},
    "client_errors": {"type": "integer", "description": "Answered 4xx, but for 429"},
    "server_errors": {"type": "integer", "description": "Answered 5xx"},
    "limited": {"type": "integer", "description": "Answered 429"},
}
USE_OF_A_KEY = {
    "type": "object",
    "properties": {
        "from": {"type": "string", "format": "date"},
        "to": {"type": "string", "format": "date"},
        **COUNTS,
        "days": {
            "type": "array",
            "description": "The days on which the key asked something; counts come in with half a minute's delay",
            "items": {
                "type": "object",
                "properties": {
                    "day": {"type": "string", "format": "date"},
                    **COUNTS,
                    "faces": {"type": "object", "additionalProperties": {"type": "integer"}},
                },
            },
        },
    },
}
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


class DaysSchema(Schema):
    """From which day to which."""

    from_ = Day(data_key="from", attribute="from", nullable=False)
    to = Day(nullable=False)


class LoginSchema(Schema):
    """Who signs in, and where."""

    email = Text(required=True)
    password = fields.String(required=True, validate=validate.Length(max=PASSWORD_LIMIT))  # as it is, blanks and all
    organization = Text()


class RenewSchema(Schema):
    """What renews a sign-in."""

    refresh_token = Text(required=True, max=TOKEN_LIMIT)


@blueprint.post("/auth/login")
@openapi.document(
    "auth",
    "Sign in with e-mail and password",
    SIGNED_IN,
    errors=(400, 413, 415, 422),
    body=openapi.json_body(LoginSchema()),
    envelope=False,
    description=ABOUT_SIGN_INS,
    public=True,
)
def login() -> Response:
    """Open a session for a script of a person's own and answer with its tokens."""
    wanted = load(LoginSchema(unknown=RAISE), json_body())
    made = log_in(
        wanted["email"],
        wanted["password"],
        wanted.get("organization") or "",
        ip=request.remote_addr or "",
        user_agent=request.user_agent.string,
    )
    return answer(dump(made), 200, **{"Cache-Control": "no-store"})


@blueprint.post("/auth/refresh")
@openapi.document(
    "auth",
    "Renew a sign-in: another pair of tokens, and the old refresh token dies",
    SIGNED_IN,
    errors=(400, 413, 415, 422),
    body=openapi.json_body(RenewSchema()),
    envelope=False,
    public=True,
)
def renew() -> Response:
    """Answer with another pair of tokens."""
    wanted = load(RenewSchema(unknown=RAISE), json_body())
    return answer(dump(refresh(wanted["refresh_token"])), 200, **{"Cache-Control": "no-store"})


@blueprint.post("/auth/logout")
@openapi.document("auth", "Sign out: both tokens are over at once", None, status=204, errors=(409,))
def logout() -> Response:
    """End the session that the access token names."""
    if not isinstance(g.holder, identity.Visit):
        raise Conflict(_("A key does not sign out. Revoke it instead."), code="not_signed_in")
    identity.close_session(secret_hash=g.holder.secret_hash, connection=current_context().session.connection())
    return Response(status=204)


@blueprint.get("/me")
@openapi.document("me", "Who asks, and what they may do", ME)
def me() -> Response:
    """Say whom the key speaks for, or who is signed in."""
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
@idempotent
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
@idempotent
def create_invitation() -> Response:
    """Mail somebody a link by which they become a member."""
    context = entered(INVITATIONS, write=True)
    wanted = load(NewInvitationSchema(unknown=RAISE), json_body())
    count_letter(context)
    made = invite(
        context,
        email=wanted["email"],
        name=wanted.get("name") or "",
        role=wanted["role"],
        scope_location_id=wanted.get("scope_location_id"),
    )
    return one(context, INVITATIONS, made.id, 201, Location=f"{PREFIX}/invitations/{made.id}")


def count_letter(context: Context) -> None:
    """Count a letter of invitation in the request's transaction; raises TooManyRequests for one too many an hour."""
    connection = context.session.connection()
    allow("invite", str(context.organization_id), limit=INVITATIONS_AN_HOUR, connection=connection)


@blueprint.post("/invitations/<row_id:row_id>/send")
@openapi.document("invitations", "Mail an invitation again, for another week", INVITATIONS.schema_for(), errors=(404,))
@idempotent
def resend_invitation(row_id: int) -> Response:
    """Mail an invitation anew; the link of the last letter no longer works."""
    context = entered(INVITATIONS, write=True)
    count_letter(context)
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
@idempotent(secret=True)
def create_key() -> Response:
    """Make a key; sent again with its Idempotency-Key, the request is told where the key is, not its secret."""
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


@blueprint.get("/api-keys/<row_id:row_id>/usage")
@openapi.document("api-keys", "What a key asked, day by day", USE_OF_A_KEY, errors=(404, 422), parameters=[FROM, TO])
def key_usage(row_id: int) -> Response:
    """Tell what a key asked in the last thirty days, or in those that the query names; a revoked one too."""
    context = entered(API_KEYS, write=False, parameters=True)
    repeated = [name for name, given in request.args.lists() if len(given) > 1]
    if repeated:
        raise Invalid({repeated[0]: [_("Give one day.")]})
    asked = load(DaysSchema(unknown=RAISE), request.args.to_dict())
    get_row(context, API_KEYS, row_id, deleted=True)
    last = asked.get("to", context.today)
    first = asked.get("from", last - min(timedelta(days=DAYS_SHOWN - 1), last - date.min))
    days = usage_of(context, row_id, first, last)
    told = [{**day, "day": day["day"].isoformat()} for day in days]
    return answer(dump({"data": {"from": first.isoformat(), "to": last.isoformat(), **totals_of(days), "days": told}}))
