"""Settings: the organization and its members."""

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from marshmallow import RAISE, Schema
from sqlalchemy import select
from wtforms.fields import SelectChoice

from webapp.accounts.models import User
from webapp.accounts.passwords import LONGEST
from webapp.accounts.resources import MEMBERS, ORGANIZATIONS, ROLE_CHOICES, members_only
from webapp.accounts.rules import add_member, keys_made_by
from webapp.accounts.setting_frame import confirm_page, route, settings_page
from webapp.core.access import ROLES, can, permissions_of
from webapp.core.context import Context
from webapp.core.errors import Conflict, Invalid, StaleVersion
from webapp.core.fields import Choice, Reference, Text
from webapp.core.parameters import ListParameters
from webapp.core.query import get_row, list_rows
from webapp.core.tenancy import CHECKED
from webapp.core.writes import delete, update
from webapp.faces.forms import ResourceForm, action_form, form_for
from webapp.faces.navigation import ROLE_NAMES, SETTINGS, Link, add_link
from webapp.faces.surface import go, toast

MOST_ROWS = 1000
organization = Blueprint("organization", __name__)
members = Blueprint("members", __name__)


def edit_organization(context: Context) -> ResponseReturnValue:
    """Change the organization's name, currency, time zone and language."""
    title = _("Organisation")
    row = get_row(context, ORGANIZATIONS, context.organization_id)
    if request.method == "GET":
        form = form_for(context, ORGANIZATIONS, row=row)
        return settings_page("accounts/form.html", title, form=form, back=url_for("dashboard.index"))
    form = form_for(context, ORGANIZATIONS, row=row, posted=request.form)
    loaded = form.load(ORGANIZATIONS.schema_for(partial=True), form.patch(request.form), only=form.changed())
    if loaded is None:
        return settings_page("accounts/form.html", title, form=form, back=url_for("dashboard.index")), 422
    version = int(form.version.data) if (form.version.data or "").isdecimal() else row["version"]
    try:
        update(context, ORGANIZATIONS, context.organization_id, loaded, version=version)
    except Invalid as error:
        context.session.rollback()
        form.show(error.errors)
        return settings_page("accounts/form.html", title, form=form, back=url_for("dashboard.index")), 422
    except StaleVersion:
        form.form_errors.append(_("Somebody saved this while you typed. Look at it again before you save."))
        return settings_page("accounts/form.html", title, form=form, back=url_for("dashboard.index")), 412
    toast(_("The organisation was saved"))
    return go(url_for("organization.edit"))


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


def list_members(context: Context) -> ResponseReturnValue:
    """Show who is a member."""
    listing = list_rows(context, MEMBERS, ListParameters(sort=(("id", False),), per_page=MOST_ROWS))
    users = _users(context, [row["user_id"] for row in listing.rows])
    for row in listing.rows:
        row["email"] = users.get(row["user_id"], "")
        row["role_name"] = ROLE_NAMES.get(row["role"], row["role"])
        row["user"] = row["user"] or _("Unknown")
    rows = sorted(listing.rows, key=lambda row: str(row["user"]).casefold())
    return settings_page(
        "accounts/members.html", _("Members"), rows=rows, may_write=can(context.actor, MEMBERS.write_permission)
    )


def _users(context: Context, ids: list[int]) -> dict[int, str]:
    table = User.__table__
    query = select(table.c.id, table.c.email).where(members_only(context), table.c.id.in_(ids))
    return {row[0]: row[1] for row in context.session.execute(query, execution_options=CHECKED)}


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
        context.session.rollback()
        form.show(error.errors)
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
    title = _("Role of %(name)s", name=row["user"])
    crumbs = [(_("Members"), url_for("members.index")), (row["user"], None)]
    names = ("role", "scope_location_id")
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
    return confirm_page(_("Remove %(name)s", name=row["user"]), _("Remove"), "members.index", words, problem), status


route(organization, "/settings/organization", "edit", edit_organization, ORGANIZATIONS.write_permission, "POST")
route(members, "/members", "index", list_members, MEMBERS.read_permission)
route(members, "/members/new", "create", new_member, MEMBERS.write_permission, "POST")
route(members, "/members/<int:row_id>", "edit", edit_member, MEMBERS.write_permission, "POST")
route(members, "/members/<int:row_id>/remove", "remove", remove_member, MEMBERS.write_permission, "POST")
add_link(
    Link(
        endpoint="organization.edit",
        label=_l("Organisation"),
        icon="building",
        group=SETTINGS,
        permission=ORGANIZATIONS.write_permission,
        order=10,
    )
)
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
