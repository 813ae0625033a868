"""Settings: who is a member of the organization, and who is asked in."""

from typing import Any

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from marshmallow import RAISE, Schema
from sqlalchemy import select
from wtforms.fields import SelectChoice

from webapp.accounts.invitations import INVITATIONS_AN_HOUR, invite, send_again, withdraw
from webapp.accounts.models import User
from webapp.accounts.passwords import LONGEST
from webapp.accounts.resources import INVITATIONS, MEMBERS, ROLE_CHOICES, members_only
from webapp.accounts.rules import add_member, keys_made_by
from webapp.accounts.second_factor import reset_for_member
from webapp.accounts.setting_frame import confirm_page, route, settings_page
from webapp.accounts.throttles import allow
from webapp.core.access import ROLES, can, permissions_of
from webapp.core.context import Context
from webapp.core.errors import Conflict, Invalid
from webapp.core.fields import Choice, Reference, Text
from webapp.core.parameters import ListParameters
from webapp.core.query import get_row, list_rows
from webapp.core.tenancy import CHECKED
from webapp.core.writes import delete, update
from webapp.faces.forms import ResourceForm, action_form, form_for
from webapp.faces.navigation import ROLE_NAMES, SETTINGS, Link, add_link
from webapp.faces.rendering import Renderer
from webapp.faces.surface import go, toast

MOST_ROWS = 1000
members = Blueprint("members", __name__)


class MemberForm(Schema):
    """Somebody who is to come in."""

    name = Text(required=True, label=_l("Name"))
    email = Text(required=True, label=_l("E-mail"))
    password = Text(
        max=LONGEST,
        label=_l("First password"),
        help=_l("At least 10 characters. Not needed when this person has an account here already."),
    )
    role = Choice(ROLE_CHOICES, required=True, label=_l("Role"))
    scope_location_id = Reference(
        "locations", label=_l("Only at"), help=_l("Sees this place and what lies below it; empty means everything.")
    )


class InvitationForm(Schema):
    """Somebody who is to be asked in."""

    email = Text(required=True, label=_l("E-mail"), help=_l("A letter with a link goes there; it works for a week."))
    name = Text(label=_l("Name"))
    role = Choice(ROLE_CHOICES, required=True, label=_l("Role"))
    scope_location_id = Reference(
        "locations", label=_l("Only at"), help=_l("Sees this place and what lies below it; empty means everything.")
    )


def list_members(context: Context) -> ResponseReturnValue:
    """Show who is a member, and who is asked in."""
    renderer = Renderer(context)
    listing = list_rows(context, MEMBERS, ListParameters(sort=(("id", False),), per_page=MOST_ROWS))
    users = _users(context, [row["user_id"] for row in listing.rows])
    for row in listing.rows:
        row["email"], factor = users.get(row["user_id"], ("", None))
        row["has_second_factor"] = factor is not None
        row["role_name"] = ROLE_NAMES.get(row["role"], row["role"])
        row["user"] = row["user"] or _("Unknown")
        row["seen"] = renderer.moment(row["last_seen_at"]) if row["last_seen_at"] else _("never")
        row["is_me"] = row["user_id"] == context.actor.user_id
    rows = sorted(listing.rows, key=lambda row: str(row["user"]).casefold())
    return settings_page(
        "accounts/members.html",
        _("Members"),
        rows=rows,
        asked=_asked(context, renderer),
        may_write=can(context.actor, MEMBERS.write_permission),
    )


def _asked(context: Context, renderer: Renderer) -> list[dict[str, Any]]:
    listing = list_rows(context, INVITATIONS, ListParameters(sort=(("email", False),), per_page=MOST_ROWS))
    return [
        {
            **row,
            "role_name": ROLE_NAMES.get(row["role"], row["role"]),
            "sent": renderer.moment(row["sent_at"]) if row["sent_at"] else _("on its way"),
            "until": renderer.moment(row["expires_at"]),
            "is_over": row["expires_at"] <= context.at,
        }
        for row in listing.rows
    ]


def _users(context: Context, ids: list[int]) -> dict[int, tuple[str, Any]]:
    """Return {user id: (e-mail, since when the second factor is on)} of members."""
    table = User.__table__
    query = select(table.c.id, table.c.email, table.c.second_factor_at)
    query = query.where(members_only(context), table.c.id.in_(ids))
    return {row[0]: (row[1], row[2]) for row in context.session.execute(query, execution_options=CHECKED)}


def new_invitation(context: Context) -> ResponseReturnValue:
    """Ask somebody in by mail."""
    title, crumbs = _("Invite"), [(_("Members"), url_for("members.index")), (_("Invite"), None)]
    if request.method == "POST":
        allow("invite", str(context.organization_id), limit=INVITATIONS_AN_HOUR)
    form = action_form(context, InvitationForm, posted=request.form if request.method == "POST" else None)
    _offer_roles(context, form)

    def again() -> str:
        words = {"back": url_for("members.index"), "crumbs": crumbs, "save_label": _("Send the invitation")}
        return settings_page("accounts/form.html", title, form=form, **words)

    if request.method == "GET":
        return again()
    loaded = form.load(InvitationForm(unknown=RAISE), form.patch(request.form))
    if loaded is None:
        return again(), 422
    try:
        invite(
            context,
            email=loaded["email"],
            name=loaded.get("name") or "",
            role=loaded["role"],
            scope_location_id=loaded.get("scope_location_id"),
        )
    except Invalid as error:
        form.refuse(error)
        return again(), 422
    toast(_("An invitation goes to %(email)s", email=loaded["email"]))
    return go(url_for("members.index"))


def send_invitation_again(context: Context, row_id: int) -> ResponseReturnValue:
    """Mail an invitation anew."""
    allow("invite", str(context.organization_id), limit=INVITATIONS_AN_HOUR)
    found = send_again(context, row_id)
    toast(_("Another letter goes to %(email)s", email=found.email))
    return go(url_for("members.index"))


def withdraw_invitation(context: Context, row_id: int) -> ResponseReturnValue:
    """Ask before an invitation is withdrawn, or do it."""
    row = get_row(context, INVITATIONS, row_id)
    if request.method == "POST":
        withdraw(context, row_id)
        toast(_("The invitation of %(email)s was withdrawn", email=row["email"]))
        return go(url_for("members.index"))
    words = _("The link in the letter leads nowhere any more. You can invite them again.")
    title = _("Withdraw the invitation of %(email)s", email=row["email"])
    return confirm_page(title, _("Withdraw"), "members.index", words)


def reset_second_factor(context: Context, row_id: int) -> ResponseReturnValue:
    """Ask before a member's second factor is dropped, or do it."""
    row = get_row(context, MEMBERS, row_id)
    problem, status = "", 200
    if request.method == "POST":
        try:
            reset_for_member(context, row_id)
        except Conflict as error:
            context.session.rollback()
            problem, status = error.message, 409
        else:
            toast(_("The second factor of %(name)s was reset", name=row["user"]))
            return go(url_for("members.index"))
    words = _("For somebody who lost their authenticator and their recovery codes. Their password alone lets them in.")
    title = _("Reset the second factor of %(name)s", name=row["user"])
    return confirm_page(title, _("Reset"), "members.index", words, problem), status


def new_member(context: Context) -> ResponseReturnValue:
    """Let somebody in."""
    title, crumbs = _("New member"), [(_("Members"), url_for("members.index")), (_("New member"), None)]
    form = action_form(context, MemberForm, posted=request.form if request.method == "POST" else None)
    _offer_roles(context, form)

    def again() -> str:
        form["password"].data = ""
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
        form.refuse(error)
        return again(), 422
    toast(_("%(name)s is a member now", name=loaded["name"]))
    return go(url_for("members.index"))


def _offer_roles(context: Context, form: ResourceForm, current: str = "") -> None:
    """Offer the roles that the actor may hand out, the smallest first; hide what is typed as a password."""
    held = context.actor.permissions
    offered = [role for role in reversed(ROLES) if permissions_of(role) <= held or role == current]
    form["role"].choices = [SelectChoice(role, ROLE_NAMES[role]) for role in offered]
    if "password" in form:
        form["password"].render_kw = {"type": "password", "autocomplete": "new-password"}


def edit_member(context: Context, row_id: int) -> ResponseReturnValue:
    """Change a member's role and place."""
    row = get_row(context, MEMBERS, row_id)
    title = _("Access of %(name)s", name=row["user"])
    crumbs = [(_("Members"), url_for("members.index")), (row["user"], None)]
    names = ("role", "scope_location_id", "is_active")
    posted = request.form if request.method == "POST" else None
    form = form_for(context, MEMBERS, row=row, posted=posted, names=names)
    _offer_roles(context, form, row["role"])

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
        form.refuse(error)
        return again(), 422
    except Conflict as error:
        context.session.rollback()
        form.form_errors.append(error.message)
        return again(), 409
    toast(_("The access of %(name)s was changed", name=row["user"]))
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
    return confirm_page(_("Remove %(name)s", name=row["user"]), _("Remove"), "members.index", words, problem), status


route(members, "/members", "index", list_members, MEMBERS.read_permission)
route(members, "/members/new", "create", new_member, MEMBERS.write_permission, "POST")
route(members, "/members/invite", "invite", new_invitation, MEMBERS.write_permission, "POST")
route(
    members,
    "/members/invitations/<int:row_id>/send",
    "send_again",
    send_invitation_again,
    MEMBERS.write_permission,
    only=("POST",),
)
route(
    members,
    "/members/invitations/<int:row_id>/withdraw",
    "withdraw",
    withdraw_invitation,
    MEMBERS.write_permission,
    "POST",
)
route(
    members,
    "/members/<int:row_id>/second-factor",
    "second_factor",
    reset_second_factor,
    MEMBERS.write_permission,
    "POST",
)
route(members, "/members/<int:row_id>", "edit", edit_member, MEMBERS.write_permission, "POST")
route(members, "/members/<int:row_id>/remove", "remove", remove_member, MEMBERS.write_permission, "POST")
add_link(
    Link(
        endpoint="members.index",
        label=_l("Members"),
        icon="users",
        group=SETTINGS,
        permission=MEMBERS.read_permission,
        order=20,
    )
)
