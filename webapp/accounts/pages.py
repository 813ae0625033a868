"""Sign in and out, the first run, and going from one organization to another."""

from typing import cast

from flask import (
    Blueprint,
    Flask,
    Response,
    current_app,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.exceptions import NotFound

from webapp.accounts import entry
from webapp.accounts.entry import close_session, current_visit, public, renew_session, start_session
from webapp.accounts.forms import PasswordForm, SetupForm, SignInForm, show_errors
from webapp.accounts.founding import Founding, found_organization
from webapp.accounts.gate_pages import ask_for_code, gate
from webapp.accounts.key_pages import keys
from webapp.accounts.member_pages import members
from webapp.accounts.organization_pages import organization
from webapp.accounts.profile_pages import profile
from webapp.accounts.rules import change_password, sign_in
from webapp.accounts.usage import count_answer, write_counts
from webapp.core import identity, secrets
from webapp.core.context import Actor, Context
from webapp.core.errors import Invalid, TooManyRequests, Unauthorized
from webapp.faces.navigation import ROLE_NAMES, Link, add_link
from webapp.faces.surface import go, page, safe_next, toast

blueprint = Blueprint("accounts", __name__)


@blueprint.record_once
def set_up(state: BlueprintSetupState) -> None:
    """Put the check in front of every page, and the settings beside these pages."""
    app = cast(Flask, state.app)
    entry.init_app(app)
    app.after_request(count_answer)
    if write_counts not in identity.with_the_uses:
        identity.with_the_uses.append(write_counts)
    for other in (gate, profile, organization, members, keys):
        app.register_blueprint(other)
    add_link(Link(endpoint="profile.index", label=_l("Profile"), icon="user", group="account", order=90))
    add_link(Link(endpoint="accounts.organizations", label=_l("Organisations"), icon="building", group="account"))


@blueprint.route("/login", methods=["GET", "POST"])
@public
def login() -> ResponseReturnValue:
    """Ask for e-mail and password; the answer does not tell whether the account exists."""
    target = safe_next(request.values.get("next"), url_for("dashboard.index"))
    if request.method == "GET":
        if identity.is_empty():
            return redirect(url_for("accounts.setup"))
        return redirect(target) if current_visit() else _sign_in_page(SignInForm(), target)
    form = SignInForm()
    if not form.validate():
        return _sign_in_page(form, target), 422
    try:
        known = sign_in(form.email.data or "", form.password.data or "", ip=request.remote_addr or "")
    except Unauthorized as error:
        form.password.errors = [error.message]
        return _sign_in_page(form, target), 401
    except TooManyRequests as error:
        form.password.errors = [error.message]
        response = make_response(_sign_in_page(form, target), 429)
        response.headers["Retry-After"] = str(error.retry_after)
        return response
    remember = bool(form.remember.data)
    if known.needs_code:
        return ask_for_code(known.user_id, remember=remember, target=target)
    here = identity.last_organization(known.user_id) or known.memberships[0][0]
    start_session(known.user_id, here.id, remember=remember)
    return redirect(target, 303)


def _sign_in_page(form: SignInForm, target: str) -> str:
    return render_template("accounts/login.html", form=form, next_url=target)


@blueprint.post("/logout")
@public
def logout() -> ResponseReturnValue:
    """End the session, here and on the server."""
    close_session()
    return redirect(url_for("accounts.login"), 303)


@blueprint.route("/setup", methods=["GET", "POST"])
@public
def setup() -> ResponseReturnValue:
    """Make the first organization and its owner, once, for whoever has the token that the console shows."""
    if not identity.is_empty():
        raise NotFound
    form = SetupForm(token=request.args.get("token", ""))
    if request.method == "GET":
        return render_template("accounts/setup.html", form=form)
    if not form.validate():
        return render_template("accounts/setup.html", form=form), 422
    hit = identity.hit_bucket(f"setup:{request.remote_addr}", limit=20, window=identity.TOUCH_EVERY)
    if not hit.allowed:
        raise TooManyRequests(hit.retry_after)
    if not secrets.is_setup_token(form.token.data or ""):
        form.token.errors = [_("This is not the token that the console shows.")]
        return render_template("accounts/setup.html", form=form), 403
    try:
        context = found_organization(_founding(form))
    except Invalid as error:
        show_errors(form, error)
        return render_template("accounts/setup.html", form=form), 422
    secrets.spend_setup_token()
    start_session(context.actor.user_id or 0, context.organization_id)
    return redirect(url_for(_first_page(form.start.data)), 303)


def _first_page(start: str | None) -> str:
    wanted = {"spreadsheet": "imports.index"}.get(start or "", "dashboard.index")
    return wanted if wanted in current_app.view_functions else "dashboard.index"


def _founding(form: SetupForm) -> Founding:
    return Founding(
        name=form.name.data or "",
        admin_email=form.admin_email.data or "",
        admin_password=form.admin_password.data or "",
        admin_name=form.admin_name.data or "",
        currency=form.currency.data,
        timezone=form.timezone.data,
        locale=form.locale.data,
        first_tag=form.first_tag.data or "",
        first=True,
    )


@blueprint.get("/organizations", endpoint="organizations")
def list_organizations() -> ResponseReturnValue:
    """Show where one is a member."""
    visit = current_visit()
    if visit is None or visit.actor.user_id is None:
        raise Unauthorized
    return render_template(
        "accounts/organizations.html",
        crumbs=[(_("Organisations"), None)],
        memberships=[
            {
                "name": tenant.name,
                "slug": tenant.slug,
                "role": ROLE_NAMES[role],
                "is_here": tenant.id == visit.tenant.id,
            }
            for tenant, role in identity.memberships(visit.actor.user_id)
        ],
        from_archive_url=_way_to_archives(visit.actor),
    )


def _way_to_archives(actor: Actor) -> str | None:
    endpoint = "archives.bring_in"
    may = "archives:write" in actor.permissions and endpoint in current_app.view_functions
    return url_for(endpoint) if may else None


@blueprint.post("/organizations/<slug>/enter")
def enter_organization(slug: str) -> Response:
    """Go to another organization that one is a member of, with a new session."""
    visit = current_visit()
    if visit is None or visit.actor.user_id is None:
        raise Unauthorized
    found = [tenant for tenant, _role in identity.memberships(visit.actor.user_id) if tenant.slug == slug]
    if not found:
        raise NotFound
    start_session(visit.actor.user_id, found[0].id, remember=bool(session.permanent), expires_at=visit.expires_at)
    return go(url_for("dashboard.index"))


def _password(context: Context) -> ResponseReturnValue:
    """Change one's own password; every other session ends."""
    visit = current_visit()
    if visit is None:
        raise Unauthorized
    form = PasswordForm()
    crumbs = [(_("Profile"), url_for("profile.index")), (_("Password"), None)]
    if request.method == "GET":
        return render_template("accounts/password.html", form=form, crumbs=crumbs)
    try:
        change_password(context, form.old.data or "", form.new.data or "", keep_session=visit.secret_hash)
    except Invalid as error:
        context.session.rollback()
        show_errors(form, error)
        return render_template("accounts/password.html", form=form, crumbs=crumbs), 422
    renew_session(visit, context.session.connection())
    toast(_("Your password was changed, other devices are signed out"))
    return go(url_for("profile.index"))


blueprint.add_url_rule("/password", "password", page(_password), methods=["GET", "POST"])
