"""Pages in front of the door: a forgotten password, the second step of signing in, an invitation."""

from flask import Blueprint, make_response, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_wtf import FlaskForm
from sqlalchemy import Connection
from wtforms import Field

from webapp.accounts import invitations, resets, second_factor
from webapp.accounts.entry import current_visit, public, start_session
from webapp.accounts.forms import CodeForm, ForgotForm, GateForm, JoinForm, OwnPasswordForm, ResetForm, show_errors
from webapp.accounts.rules import check_password, email_faults
from webapp.accounts.throttles import allow
from webapp.core import identity
from webapp.core.context import Actor, open_context
from webapp.core.errors import Conflict, Forbidden, Invalid, NotFound, TooManyRequests, Unauthorized
from webapp.core.identity_proofs import find_factor, find_link, recovery_codes_left, use_link
from webapp.faces.navigation import ROLE_NAMES
from webapp.faces.surface import safe_next, toast

WRONG_LINKS_AN_HOUR = 60
gate = Blueprint("gate", __name__)


def over(title: str, words: str, url: str = "", label: str = "") -> ResponseReturnValue:
    """Say that a link leads nowhere, and what to do now; who tries many of them is told to wait."""
    allow("link:address", request.remote_addr or "", limit=WRONG_LINKS_AN_HOUR)
    return render_template("accounts/over.html", title=title, words=words, url=url, label=label), 404


def late(page: str, field: Field, error: TooManyRequests, **values: object) -> ResponseReturnValue:
    """Return a page whose field says that one has to wait."""
    field.errors = [error.message]
    response = make_response(render_template(page, **values), 429)
    response.headers["Retry-After"] = str(error.retry_after)
    return response


# A forgotten password


@gate.route("/forgot", methods=["GET", "POST"])
@public
def forgot() -> ResponseReturnValue:
    """Ask for an address and promise a letter; the answer does not tell whether the account exists."""
    form = ForgotForm()
    if request.method == "GET":
        return render_template("accounts/forgot.html", form=form, is_sent="sent" in request.args)
    email = (form.email.data or "").strip()
    if not form.validate() or email_faults(email):
        form.email.errors = email_faults(email) or form.email.errors
        return render_template("accounts/forgot.html", form=form, is_sent=False), 422
    try:
        may = resets.may_ask(email, request.remote_addr or "")
    except TooManyRequests as error:
        return late("accounts/forgot.html", form.email, error, form=form, is_sent=False)
    office = resets.post_office()
    if may and office is not None:
        resets.ask(open_context(office, resets.NOBODY, write=True), email)
    return redirect(url_for("gate.forgot", sent=1), 303)


@gate.route("/reset", methods=["GET", "POST"])
@public
def reset() -> ResponseReturnValue:
    """Take a new password from who holds a link; every session of theirs ends."""
    token, form = request.values.get("token", ""), ResetForm()
    holder = resets.holder_of(token)
    if holder is None:
        return _reset_over()
    user_id, name, tenant = holder
    if request.method == "GET":
        return render_template("accounts/reset.html", form=form, token=token)
    if not form.validate():
        return render_template("accounts/reset.html", form=form, token=token), 422
    resets.forget_wrong_tries(user_id)
    actor = Actor(name=name, role="member", permissions=frozenset(), face="page", user_id=user_id, locale=tenant.locale)
    context = open_context(tenant, actor, write=True)
    try:
        resets.reset_password(context, token, form.password.data or "")
    except Invalid as error:
        context.session.rollback()
        show_errors(form, error)
        return render_template("accounts/reset.html", form=form, token=token), 422
    except NotFound:
        context.session.rollback()
        return _reset_over()
    session.clear()
    toast(_("Your password was changed. Sign in with it."))
    return redirect(url_for("accounts.login"), 303)


def _reset_over() -> ResponseReturnValue:
    return over(
        _("This link is over"),
        _("A link for another password works once, for an hour. Ask for a new one."),
        url_for("gate.forgot"),
        _("Ask again"),
    )


# The second step of signing in


def ask_for_code(
    user_id: int,
    *,
    remember: bool = False,
    target: str = "",
    organization_id: int | None = None,
    connection: Connection | None = None,
) -> ResponseReturnValue:
    """Send somebody who has shown a password on to the code; nobody is signed in yet."""
    token = second_factor.pend(user_id, connection=connection)
    session.clear()
    session["pending"] = {"token": token, "remember": remember, "next": target, "organization_id": organization_id}
    return redirect(url_for("gate.code"), 303)


@gate.route("/login/code", methods=["GET", "POST"])
@public
def code() -> ResponseReturnValue:
    """Ask who has shown a password for a code too, then sign them in."""
    pending = session.get("pending") or {}
    link = find_link(second_factor.PENDING, pending.get("token", ""))
    if link is None or link.user_id is None:
        session.pop("pending", None)
        return redirect(url_for("accounts.login"))
    form = CodeForm()
    if request.method == "GET":
        return render_template("accounts/code.html", form=form)
    if not form.validate():
        return render_template("accounts/code.html", form=form), 422
    try:
        by_recovery = second_factor.check_code(link.user_id, form.code.data or "", ip=request.remote_addr or "")
    except Unauthorized as error:
        form.code.errors = [error.message]
        return render_template("accounts/code.html", form=form), 401
    except TooManyRequests as error:
        return late("accounts/code.html", form.code, error, form=form)
    return _finish_sign_in(pending, link.user_id, by_recovery=by_recovery)


def _finish_sign_in(pending: dict[str, object], user_id: int, *, by_recovery: bool) -> ResponseReturnValue:
    here = identity.last_organization(user_id)
    for tenant, _role in identity.memberships(user_id):
        here = tenant if tenant.id == pending.get("organization_id") else here
    if here is None or use_link(second_factor.PENDING, str(pending["token"])) is None:
        session.pop("pending", None)
        return redirect(url_for("accounts.login"))
    start_session(user_id, here.id, remember=bool(pending.get("remember")))
    if by_recovery:
        left = recovery_codes_left(user_id)
        words = ngettext("%(num)s recovery code is left", "%(num)s recovery codes are left", left)
        toast(words, link_url=url_for("profile.factor"), link_label=_("Make new ones"))
    return redirect(safe_next(str(pending.get("next") or ""), url_for("dashboard.index")), 303)


# An invitation


@gate.route("/invitation", methods=["GET", "POST"])
@public
def invitation() -> ResponseReturnValue:
    """Let somebody in who holds the link of an invitation: a new user, or one who shows the password they have."""
    token = request.values.get("token", "")
    found = invitations.waiting(token)
    tenant = identity.organization_by_id(found.organization_id) if found else None
    if found is None or tenant is None:
        return _invitation_over()
    known, visit = identity.find_user(found.email), current_visit()
    is_me = known is not None and visit is not None and visit.actor.user_id == known["id"]
    form: FlaskForm = GateForm() if is_me else OwnPasswordForm() if known else JoinForm(name=found.name or "")
    page = {
        "form": form,
        "token": token,
        "organization": tenant.name,
        "role": ROLE_NAMES[found.role],
        "email": found.email,
        "is_known": known is not None,
        "is_me": is_me,
    }
    if request.method == "GET":
        return render_template("accounts/invitation.html", **page)
    if not form.validate():
        return render_template("accounts/invitation.html", **page), 422
    try:
        if known and not is_me:
            check_password(known["id"], form["password"].data or "", ip=request.remote_addr or "")
    except Invalid as error:
        show_errors(form, error)
        return render_template("accounts/invitation.html", **page), 422
    except TooManyRequests as error:
        return late("accounts/invitation.html", form["password"], error, **page)
    if known and not known["is_active"]:
        return _invitation_over()
    name = known["name"] if known else (form["name"].data or found.email)
    user_id = known["id"] if known else None
    actor = Actor(
        name, found.role, frozenset(), "page", user_id=user_id, locale=tenant.locale, timezone=tenant.timezone
    )
    context = open_context(tenant, actor, write=True)
    password = form["password"].data if "password" in form else ""
    try:
        user_id = invitations.accept(context, token, user_id=user_id, name=name, password=password or "")
    except Invalid as error:
        context.session.rollback()
        show_errors(form, error)
        return render_template("accounts/invitation.html", **page), 422
    except (Conflict, Forbidden) as error:
        context.session.rollback()
        return over(_("This invitation is over"), error.message)
    except NotFound:
        context.session.rollback()
        return _invitation_over()
    return _enter(user_id, tenant.id, context.session.connection(), asks=known is not None and not is_me)


def _enter(user_id: int, organization_id: int, connection: Connection, *, asks: bool) -> ResponseReturnValue:
    """Sign in who has accepted, in the transaction that made them a member; a second factor is asked for first."""
    factor = find_factor(user_id, connection=connection) if asks else None
    if factor is not None and factor["second_factor_at"] is not None:
        return ask_for_code(user_id, organization_id=organization_id, connection=connection)
    start_session(user_id, organization_id, connection=connection)
    return redirect(url_for("dashboard.index"), 303)


def _invitation_over() -> ResponseReturnValue:
    return over(
        _("This invitation is over"),
        _("It was accepted, withdrawn or left for too long. Ask whoever invited you for another one."),
        url_for("accounts.login"),
        _("Sign in"),
    )
