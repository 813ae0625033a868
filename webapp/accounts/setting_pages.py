"""Settings of accounts: the organization, its members, its keys."""

from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from marshmallow import RAISE, Schema
from sqlalchemy import select

from webapp.accounts.models import ApiKey
from webapp.accounts.passwords import LONGEST
from webapp.accounts.resources import API_KEYS, MEMBERS, ORGANIZATIONS
from webapp.accounts.rules import add_member, create_api_key, keys_made_by, revoke_api_key
from webapp.core.access import ROLES, permissions_of
from webapp.core.context import Context, current_context
from webapp.core.errors import Conflict, Invalid, StaleVersion
from webapp.core.fields import Choice, Codes, Day, Reference, Text
from webapp.core.forms import ResourceForm, action_form, form_for
from webapp.core.navigation import ROLE_NAMES, SETTINGS, Link, add_link, settings_menu
from webapp.core.parameters import ListParameters
from webapp.core.query import get_row, list_rows
from webapp.core.rendering import Renderer
from webapp.core.surface import go, in_dialog, once, page, toast
from webapp.core.writes import delete, update

ENDS_SOON = timedelta(days=30)
MOST_ROWS = 1000
organization = Blueprint("organization", __name__)
members = Blueprint("members", __name__)
keys = Blueprint("keys", __name__)
BLUEPRINTS = (organization, members, keys)


def settings_page(template: str, title: str, **values: Any) -> str:
    """Return a page of the settings, with their menu beside it."""
    crumbs = [(_("Settings"), None), *values.pop("crumbs", [(title, None)])]
    menu = settings_menu(current_context().actor)
    return render_template(template, title=title, crumbs=crumbs, menu=menu, **values)


# The organization


def edit_organization(context: Context) -> ResponseReturnValue:
    """Change the organization's name, currency, time zone and language."""
    title = _("Organisation")
    row = get_row(context, ORGANIZATIONS, context.organization_id)
    if request.method == "GET":
        form = form_for(context, ORGANIZATIONS, row=row)
        return settings_page("accounts/organization.html", title, form=form)
    form = form_for(context, ORGANIZATIONS, row=row, posted=request.form)
    loaded = form.load(ORGANIZATIONS.schema_for(partial=True), form.patch(request.form), only=form.changed())
    if loaded is None:
        return settings_page("accounts/organization.html", title, form=form), 422
    version = int(form.version.data) if (form.version.data or "").isdecimal() else row["version"]
    try:
        update(context, ORGANIZATIONS, context.organization_id, loaded, version=version)
    except Invalid as error:
        context.session.rollback()
        form.show(error.errors)
        return settings_page("accounts/organization.html", title, form=form), 422
    except StaleVersion:
        form.form_errors.append(_("Somebody saved this while you typed. Look at it again before you save."))
        return settings_page("accounts/organization.html", title, form=form), 412
    toast(_("The organisation was saved"))
    return go(url_for("organization.edit"))


# Members


class MemberForm(Schema):
    """Somebody who is to come in."""

    name = Text(required=True, label=_l("Name"))
    email = Text(required=True, label=_l("E-mail"))
    password = Text(
        max=LONGEST,
        label=_l("First password"),
        help=_l("At least 10 characters. Not needed when this person has an account here already."),
    )
    role = Choice({role: ROLE_NAMES[role] for role in ROLES}, required=True, label=_l("Role"))
    scope_location_id = Reference(
        "locations", label=_l("Only at"), help=_l("Sees this place and what lies below it; empty means everything.")
    )


class RoleForm(Schema):
    """What a member may do, and where."""

    role = MemberForm._declared_fields["role"]
    scope_location_id = MemberForm._declared_fields["scope_location_id"]


def list_members(context: Context) -> ResponseReturnValue:
    """Show who is a member."""
    listing = list_rows(context, MEMBERS, ListParameters(sort=(("id", False),), per_page=MOST_ROWS))
    users = _users(context, [row["user_id"] for row in listing.rows])
    for row in listing.rows:
        row["email"] = users.get(row["user_id"], "")
        row["role_name"] = ROLE_NAMES.get(row["role"], row["role"])
        row["user"] = row["user"] or _("Unknown")
    rows = sorted(listing.rows, key=lambda row: str(row["user"]).casefold())
    return settings_page("accounts/members.html", _("Members"), rows=rows)


def _users(context: Context, ids: list[int]) -> dict[int, str]:
    from webapp.accounts.models import User
    from webapp.accounts.resources import members_only
    from webapp.core.tenancy import CHECKED

    table = User.__table__
    query = select(table.c.id, table.c.email).where(members_only(context), table.c.id.in_(ids))
    return {row[0]: row[1] for row in context.session.execute(query, execution_options=CHECKED)}


def new_member(context: Context) -> ResponseReturnValue:
    """Let somebody in."""
    title, crumbs = _("New member"), [(_("Members"), url_for("members.index")), (_("New member"), None)]
    form = action_form(context, MemberForm, posted=request.form if request.method == "POST" else None)
    _offer_roles(context, form)

    def again() -> str:
        return settings_page("accounts/form.html", title, form=form, back=url_for("members.index"), crumbs=crumbs)

    if request.method == "GET":
        return again()
    loaded = form.load(MemberForm(unknown=RAISE), form.patch(request.form))
    if loaded is None:
        return again(), 422
    try:
        add_member(
            context,
            email=loaded["email"],
            name=loaded["name"],
            password=request.form.get("password", ""),
            role=loaded["role"],
            scope_location_id=loaded.get("scope_location_id"),
        )
    except Invalid as error:
        context.session.rollback()
        form.show(error.errors)
        return again(), 422
    toast(_("%(name)s is a member now", name=loaded["name"]))
    return go(url_for("members.index"))


def _offer_roles(context: Context, form: ResourceForm) -> None:
    """Offer the roles that the actor may hand out, the smallest first; hide what is typed as a password."""
    held = context.actor.permissions
    form["role"].choices = [(role, ROLE_NAMES[role]) for role in reversed(ROLES) if permissions_of(role) <= held]
    if "password" in form:
        form["password"].render_kw = {"type": "password", "autocomplete": "new-password"}


def edit_member(context: Context, row_id: int) -> ResponseReturnValue:
    """Change a member's role and place."""
    row = get_row(context, MEMBERS, row_id)
    title = _("Role of %(name)s", name=row["user"])
    crumbs = [(_("Members"), url_for("members.index")), (row["user"], None)]
    names = ("role", "scope_location_id")
    posted = request.form if request.method == "POST" else None
    form = form_for(context, MEMBERS, row=row, posted=posted, names=names)
    _offer_roles(context, form)
    if (row["role"], ROLE_NAMES[row["role"]]) not in form["role"].choices:
        form["role"].choices.append((row["role"], ROLE_NAMES[row["role"]]))

    def again() -> str:
        return settings_page("accounts/form.html", title, form=form, back=url_for("members.index"), crumbs=crumbs)

    if request.method == "GET":
        return again()
    loaded = form.load(MEMBERS.schema_for(partial=True), form.patch(request.form))
    if loaded is None:
        return again(), 422
    try:
        update(context, MEMBERS, row_id, loaded)
    except Invalid as error:
        context.session.rollback()
        form.show(error.errors)
        return again(), 422
    except Conflict as error:
        context.session.rollback()
        form.form_errors.append(error.message)
        return again(), 409
    toast(_("The role of %(name)s was changed", name=row["user"]))
    return go(url_for("members.index"))


def remove_member(context: Context, row_id: int) -> ResponseReturnValue:
    """Ask before a member is removed, or do it; their sessions end, keys they made go on."""
    row = get_row(context, MEMBERS, row_id)
    problem, status = "", 200
    if request.method == "POST":
        try:
            delete(context, MEMBERS, row_id)
        except Conflict as error:
            context.session.rollback()
            problem, status = error.message, 409
        else:
            toast(_("%(name)s is no longer a member", name=row["user"]))
            return go(url_for("members.index"))
    made = keys_made_by(context, row["user_id"])
    words = _("They are signed out everywhere at once. What they did stays in the history.")
    if made:
        words += " " + ngettext(
            "%(num)s API key that they made goes on working until it is revoked.",
            "%(num)s API keys that they made go on working until they are revoked.",
            made,
        )
    return _confirm(_("Remove %(name)s", name=row["user"]), _("Remove"), "members.index", words, problem), status


def _confirm(title: str, verb: str, back: str, words: str, problem: str = "") -> str:
    return render_template(
        "resource/confirm.html",
        title=title,
        crumbs=[(_("Settings"), None), (title, None)],
        action=request.path,
        cancel_url=url_for(back),
        verb=verb,
        rows=[],
        more=0,
        words=words,
        problem=problem,
        blockers=[],
        hidden=[],
        in_dialog=in_dialog(),
    )


# Keys


@lru_cache(maxsize=64)
def key_schema(permissions: frozenset[str]) -> type[Schema]:
    """Return the schema of a new key's form: it offers what its maker holds, and no more."""
    offered = {"*": _l("Everything")} if permissions >= permissions_of("owner") else {}
    return type(
        "KeyForm",
        (Schema,),
        {
            "name": Text(required=True, label=_l("Name"), help=_l("What it is for, such as “Intune sync”")),
            "scopes": Codes(
                {**offered, **{name: name for name in sorted(permissions)}}, required=True, label=_l("May")
            ),
            "expires_on": Day(label=_l("Ends"), help=_l("The last day on which it works; empty means never.")),
            "ip_allowlist": Text(
                max=2000,
                label=_l("Only from"),
                mono=True,
                help=_l("Addresses and networks, such as 10.20.0.0/16, separated by commas; empty means everywhere."),
            ),
            "scope_location_id": Reference(
                "locations",
                label=_l("Only at"),
                help=_l("Sees this place and what lies below it; empty means everything."),
            ),
        },
    )


def list_keys(context: Context) -> ResponseReturnValue:
    """Show the keys in use, or the revoked ones."""
    return _keys_page(context, revoked=request.args.get("show") == "revoked")


def _keys_page(context: Context, *, revoked: bool = False, made: ApiKey | None = None, token: str = "") -> str:
    newest = ListParameters(sort=(("id", True),), per_page=MOST_ROWS)
    living = list_rows(context, API_KEYS, newest)
    gone = list_rows(context, API_KEYS, ListParameters(sort=(("id", True),), per_page=MOST_ROWS, deleted=True))
    renderer = Renderer(context)
    shown = (gone if revoked else living).rows
    return settings_page(
        "accounts/keys.html",
        _("API keys"),
        rows=[_key_row(context, renderer, row) for row in shown],
        in_use=len(living.rows),
        revoked=len(gone.rows),
        shows_revoked=revoked,
        secret=_secret(renderer, made, token) if made else None,
    )


def _key_row(context: Context, renderer: Renderer, row: dict[str, Any]) -> dict[str, Any]:
    ends, used = row["expires_at"], row["last_used_at"]
    scopes = [_("everything") if scope == "*" else scope for scope in row["scopes"]]
    return {
        "id": row["id"],
        "name": row["name"],
        "prefix": row["prefix"],
        "face": API_KEYS.fields["dialect"].choices[row["dialect"]],  # type: ignore[attr-defined] # it is a Choice
        "scopes": ", ".join(scopes),
        "used": renderer.moment(used) if used else _("never"),
        "ends": renderer.day(_last_day(context, ends)) if ends else _("never"),
        "ends_soon": bool(ends and context.at < ends < context.at + ENDS_SOON),
        "is_over": bool(ends and ends <= context.at),
        "revoked": renderer.moment(row["revoked_at"] or row["deleted_at"]) if row["deleted_at"] else "",
    }


def _last_day(context: Context, ends: datetime) -> Any:
    return (ends - timedelta(milliseconds=1)).astimezone(ZoneInfo(context.tenant.timezone)).date()


def _secret(renderer: Renderer, made: ApiKey, token: str) -> dict[str, Any]:
    pairs = [(_("May"), ", ".join(_("everything") if scope == "*" else scope for scope in made.scopes))]
    if made.ip_allowlist:
        pairs.append((_("From"), ", ".join(made.ip_allowlist)))
    pairs.append((_("Ends"), renderer.moment(made.expires_at) if made.expires_at else _("never")))
    url = url_for("dashboard.index", _external=True).rstrip("/")
    example = f'curl "{url}/api/v1/assets?per_page=1" \\\n  -H "Authorization: Bearer {made.prefix}_…"'
    return {"name": made.name, "token": token, "pairs": pairs, "example": example}


def new_key(context: Context) -> ResponseReturnValue:
    """Make a key and show it once, over the list; the same form sent twice makes one."""
    schema = key_schema(context.actor.permissions)
    form = action_form(context, schema, posted=request.form if request.method == "POST" else None)
    title, crumbs = _("New key"), [(_("API keys"), url_for("keys.index")), (_("New key"), None)]

    def again() -> str:
        return settings_page("accounts/form.html", title, form=form, back=url_for("keys.index"), crumbs=crumbs)

    if request.method == "GET":
        return again()
    context, done = once(context, form.nonce.data or "")
    if done:
        return go(url_for("keys.index"))
    loaded = form.load(schema(unknown=RAISE), form.patch(request.form))
    if loaded is None:
        return again(), 422
    try:
        made, token = create_api_key(
            context,
            loaded["name"],
            loaded["scopes"],
            expires_at=_end_of(context, loaded.get("expires_on")),
            ip_allowlist=(loaded.get("ip_allowlist") or "").replace(",", " ").split(),
            scope_location_id=loaded.get("scope_location_id"),
        )
    except Invalid as error:
        context.session.rollback()
        form.show({{"expires_at": "expires_on"}.get(name, name): found for name, found in error.errors.items()})
        return again(), 422
    return _keys_page(context, made=made, token=token)


def _end_of(context: Context, day: Any) -> datetime | None:
    """Return the moment at which a day is over, in the organization's zone."""
    if day is None:
        return None
    return datetime.combine(day + timedelta(days=1), time(), ZoneInfo(context.tenant.timezone)).astimezone(UTC)


def revoke_key(context: Context, row_id: int) -> ResponseReturnValue:
    """Ask before a key is revoked, or do it."""
    row = get_row(context, API_KEYS, row_id)
    if request.method == "POST":
        revoke_api_key(context, row_id)
        toast(_("%(name)s was revoked", name=row["name"]))
        return go(url_for("keys.index"))
    words = _("Whatever uses this key stops working at once. This cannot be taken back.")
    return _confirm(_("Revoke %(name)s", name=row["name"]), _("Revoke"), "keys.index", words)


def _route(blueprint: Blueprint, rule: str, endpoint: str, view: Any, permission: str, *methods: str) -> None:
    blueprint.add_url_rule(rule, endpoint, page(view, permission), methods=["GET", *methods])


_route(organization, "/settings/organization", "edit", edit_organization, "organizations:write", "POST")
_route(members, "/members", "index", list_members, "members:read")
_route(members, "/members/new", "create", new_member, "members:write", "POST")
_route(members, "/members/<int:row_id>", "edit", edit_member, "members:write", "POST")
_route(members, "/members/<int:row_id>/remove", "remove", remove_member, "members:write", "POST")
_route(keys, "/settings/api-keys", "index", list_keys, "api-keys:read")
_route(keys, "/settings/api-keys/new", "create", new_key, "api-keys:write", "POST")
_route(keys, "/settings/api-keys/<int:row_id>/revoke", "revoke", revoke_key, "api-keys:write", "POST")
for _endpoint, _label, _icon, _permission, _order in (
    ("organization.edit", _l("Organisation"), "building", "organizations:write", 10),
    ("members.index", _l("Members"), "users", "members:read", 20),
    ("keys.index", _l("API keys"), "key", "api-keys:read", 30),
):
    add_link(Link(endpoint=_endpoint, label=_label, icon=_icon, group=SETTINGS, permission=_permission, order=_order))
