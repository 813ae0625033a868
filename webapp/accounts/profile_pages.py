"""One's own pages: the profile, where one is signed in, and the second factor."""

from base64 import b64encode
from io import BytesIO
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_wtf import FlaskForm

from webapp.accounts import second_factor
from webapp.accounts.devices import device_of
from webapp.accounts.entry import close_session, current_visit, renew_session
from webapp.accounts.forms import (
    CodeForm,
    OwnPasswordForm,
    PasswordAndCodeForm,
    PasswordForm,
    ProfileForm,
    show_errors,
)
from webapp.accounts.profile import change_profile, end_session, name_of_session, own_account, own_sessions
from webapp.core import identity
from webapp.core.context import Context
from webapp.core.errors import Conflict, Invalid, TooManyRequests, Unauthorized
from webapp.core.identity import Visit
from webapp.core.identity_proofs import recovery_codes_left
from webapp.faces.navigation import ROLE_NAMES
from webapp.faces.rendering import Renderer
from webapp.faces.surface import go, page, toast

profile = Blueprint("profile", __name__)


def visit_here() -> Visit:
    """Return the session of this request; raises Unauthorized when nobody is signed in."""
    visit = current_visit()
    if visit is None:
        raise Unauthorized
    return visit


def show_profile(context: Context) -> ResponseReturnValue:
    """Show and change one's name, language, zone and looks; list where one is signed in."""
    own = own_account(context)
    if request.method == "GET":
        values = {"name": own.name, "locale": own.locale or "", "timezone": own.timezone or ""}
        form = ProfileForm(**values, theme=own.theme or "system", has_shortcuts=own.has_shortcuts)
        return _profile_page(context, form)
    form = ProfileForm()
    if not form.validate():
        return _profile_page(context, form), 422
    try:
        change_profile(
            context,
            name=form.name.data or "",
            locale=form.locale.data or None,
            timezone=form.timezone.data or None,
            theme=form.theme.data or None,
            has_shortcuts=bool(form.has_shortcuts.data),
        )
    except Invalid as error:
        context.session.rollback()
        show_errors(form, error)
        return _profile_page(context, form), 422
    toast(_("Your profile was saved"))
    return go(url_for("profile.index"))


def _profile_page(context: Context, form: ProfileForm) -> str:
    visit, renderer = visit_here(), Renderer(context)
    own = own_account(context)
    return render_template(
        "accounts/profile.html",
        crumbs=[(_("Profile"), None)],
        form=form,
        password_form=PasswordForm(formdata=None),
        email=visit.email,
        role=ROLE_NAMES.get(context.actor.role, context.actor.role),
        second_factor_since=renderer.moment(own.second_factor_at) if own.second_factor_at else "",
        sessions=[_session_row(row, renderer, visit) for row in own_sessions(own.id)],
    )


def _session_row(row: Any, renderer: Renderer, visit: Visit) -> dict[str, Any]:
    words, icon = device_of(row["user_agent"])
    if row["is_api"]:
        words, icon = ", ".join(part for part in (_("API"), words) if part), "api"
    return {
        "name": name_of_session(row["secret_hash"]),
        "device": words or _("Unknown device"),
        "icon": icon,
        "ip": row["ip"],
        "organization": row["organization_name"] if visit.organizations > 1 else "",
        "seen": renderer.moment(row["last_seen_at"]),
        "is_here": row["secret_hash"] == visit.secret_hash,
    }


def end_one(context: Context, name: str) -> ResponseReturnValue:
    """End one of one's sessions."""
    ended = end_session(context.actor.user_id or 0, name)
    if ended == visit_here().secret_hash:
        close_session()
        return redirect(url_for("accounts.login"), 303)
    toast(_("That device is signed out"))
    return go(url_for("profile.index"))


def sign_out_everywhere(context: Context) -> ResponseReturnValue:
    """End every session of one's own, this one too."""
    identity.close_sessions(context.actor.user_id or 0)
    close_session()
    toast(_("You are signed out everywhere"))
    return redirect(url_for("accounts.login"), 303)


# The second factor


def show_factor(context: Context) -> ResponseReturnValue:
    """Show whether the second factor is on, and the next step of switching it."""
    return _factor_page(context)


def _factor_page(context: Context, form: FlaskForm | None = None, *, codes_form: FlaskForm | None = None) -> str:
    own, user_id = own_account(context), context.actor.user_id or 0
    secret = None if own.second_factor_at else second_factor.secret_under_way(user_id)
    blank = PasswordAndCodeForm if own.second_factor_at else CodeForm if secret else OwnPasswordForm
    uri = second_factor.provisioning_uri(secret, own.email) if secret else ""
    if not isinstance(form, blank):  # it belongs to another step than the one that is due
        said, form = form.form_errors if form else [], blank(formdata=None)
        form.form_errors = said
    return render_template(
        "accounts/second_factor.html",
        crumbs=[(_("Profile"), url_for("profile.index")), (_("Second factor"), None)],
        form=form,
        codes_form=codes_form or OwnPasswordForm(formdata=None, prefix="codes-"),
        since=Renderer(context).moment(own.second_factor_at) if own.second_factor_at else "",
        left=recovery_codes_left(user_id) if own.second_factor_at else 0,
        secret=" ".join(secret[i : i + 4] for i in range(0, len(secret), 4)) if secret else "",
        uri=uri,
        picture=picture_of(uri) if uri else "",
    )


def picture_of(text: str) -> str:
    """Return a QR code of a text as a data: address, black on white in any theme."""
    import qrcode  # with the Pillow that it brings, 4 MB that most processes never need
    from qrcode.image.svg import SvgPathFillImage

    code = qrcode.QRCode(border=4, error_correction=qrcode.constants.ERROR_CORRECT_M)
    code.add_data(text)
    drawn = BytesIO()
    code.make_image(image_factory=SvgPathFillImage).save(drawn)
    return f"data:image/svg+xml;base64,{b64encode(drawn.getvalue()).decode()}"


def _refused(context: Context, form: FlaskForm, error: Exception, **forms: FlaskForm) -> ResponseReturnValue:
    """Return the page with what is wrong beside its field, and nothing written."""
    context.session.rollback()
    if isinstance(error, Invalid):
        show_errors(form, error)
    else:
        form.form_errors.append(str(error))
    status = 422 if isinstance(error, Invalid) else 429 if isinstance(error, TooManyRequests) else 409
    return _factor_page(context, None if forms else form, **forms), status


def begin_factor(context: Context) -> ResponseReturnValue:
    """Make a secret, for who knows the password."""
    form = OwnPasswordForm()
    try:
        second_factor.begin(context, form.password.data or "")
    except (Invalid, Conflict, TooManyRequests) as error:
        return _refused(context, form, error)
    return go(url_for("profile.factor"))


def confirm_factor(context: Context) -> ResponseReturnValue:
    """Switch the second factor on with a first code, and show the recovery codes once."""
    form = CodeForm()
    try:
        codes = second_factor.confirm(context, form.code.data or "")
    except (Invalid, Conflict, TooManyRequests) as error:
        return _refused(context, form, error)
    _only_here(context)
    return _codes_page(codes, _("The second factor is on"))


def _only_here(context: Context) -> None:
    """End every session of one's own and go on in a new one."""
    visit, connection = visit_here(), context.session.connection()
    identity.close_sessions(context.actor.user_id or 0, connection=connection)
    renew_session(visit, connection)


def _codes_page(codes: list[str], title: str) -> str:
    return render_template(
        "accounts/recovery_codes.html",
        title=title,
        crumbs=[(_("Profile"), url_for("profile.index")), (_("Recovery codes"), None)],
        codes=[second_factor.spelled(code) for code in codes],
    )


def renew_factor_codes(context: Context) -> ResponseReturnValue:
    """Make new recovery codes and show them once."""
    form = OwnPasswordForm(prefix="codes-")
    try:
        codes = second_factor.renew_codes(context, form.password.data or "")
    except (Invalid, Conflict, TooManyRequests) as error:
        return _refused(context, form, error, codes_form=form)
    return _codes_page(codes, _("New recovery codes"))


def drop_factor(context: Context) -> ResponseReturnValue:
    """Switch the second factor off, for who knows the password and holds a code."""
    form = PasswordAndCodeForm()
    try:
        second_factor.disable(context, form.password.data or "", form.code.data or "")
    except (Invalid, Conflict, TooManyRequests) as error:
        return _refused(context, form, error)
    _only_here(context)
    toast(_("The second factor is off."))
    return go(url_for("profile.factor"))


profile.add_url_rule("/profile", "index", page(show_profile), methods=["GET", "POST"])
profile.add_url_rule("/profile/sessions/<name>/end", "end_session", page(end_one), methods=["POST"])
profile.add_url_rule("/profile/sign-out-everywhere", "sign_out", page(sign_out_everywhere), methods=["POST"])
profile.add_url_rule("/profile/second-factor", "factor", page(show_factor))
profile.add_url_rule("/profile/second-factor/begin", "begin", page(begin_factor), methods=["POST"])
profile.add_url_rule("/profile/second-factor/confirm", "confirm", page(confirm_factor), methods=["POST"])
profile.add_url_rule("/profile/second-factor/codes", "codes", page(renew_factor_codes), methods=["POST"])
profile.add_url_rule("/profile/second-factor/off", "off", page(drop_factor), methods=["POST"])
