"""Forms of pages that no resource has: sign-in, the first run, one's own password."""

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, EmailField, Field, PasswordField, RadioField, SelectField, StringField
from wtforms.fields import SelectChoice
from wtforms.validators import InputRequired

from webapp.accounts.choices import LOCALES, THEMES, currencies, timezones
from webapp.accounts.passwords import LONGEST, SHORTEST
from webapp.core.errors import Invalid

NEEDED = InputRequired(_l("This is needed."))
NEW_PASSWORD = {"autocomplete": "new-password", "minlength": SHORTEST, "maxlength": LONGEST}
PASSWORD_HELP = _l("At least 10 characters. A sentence is good.")


def listed(words: Mapping[str, Any]) -> Any:
    """Return a function that gives WTForms the choices of a select."""
    return lambda: [SelectChoice(code, label) for code, label in words.items()]


def or_the_organizations(words: Mapping[str, Any]) -> Any:
    """Return a function that gives WTForms these choices, and first the organization's own."""
    return lambda: [SelectChoice("", _("As the organisation")), *listed(words)()]


class GateForm(FlaskForm):
    """A form whose CSRF token the way in has checked already."""

    class Meta:
        """Leave the token to the check in front of every page."""

        csrf = False


class SignInForm(GateForm):
    """E-mail and password."""

    email = EmailField(_l("E-mail"), [NEEDED], render_kw={"autocomplete": "username", "autofocus": True})
    password = PasswordField(_l("Password"), [NEEDED], render_kw={"autocomplete": "current-password"})
    remember = BooleanField(_l("Keep me signed in on this device for 30 days"))


class SetupForm(GateForm):
    """The first organization and its owner."""

    token = StringField(
        _l("Token"),
        [NEEDED],
        description=_l("The console where Quartermaster was started shows it."),
        render_kw={"autocomplete": "off"},
    )
    name = StringField(_l("Name"), [NEEDED], render_kw={"autocomplete": "organization", "maxlength": 255})
    currency = SelectField(_l("Currency"), choices=listed(currencies()), default="EUR")
    timezone = SelectField(
        _l("Time zone"),
        choices=listed(timezones()),
        default="UTC",
        description=_l("Decides what “today” is."),
        render_kw={"data-timezone": True},
    )
    locale = SelectField(_l("Language"), choices=listed(LOCALES), default="en_GB")
    first_tag = StringField(
        _l("First asset tag"),
        default="AST-000001",
        description=_l("Then AST-000002 and so on"),
        render_kw={"maxlength": 40},
    )
    admin_name = StringField(_l("Name"), [NEEDED], render_kw={"autocomplete": "name", "maxlength": 255})
    admin_email = EmailField(_l("E-mail"), [NEEDED], render_kw={"autocomplete": "email", "maxlength": 255})
    admin_password = PasswordField(_l("Password"), [NEEDED], description=PASSWORD_HELP, render_kw=NEW_PASSWORD)
    start = RadioField(
        _l("Start with"),
        choices=[SelectChoice("spreadsheet", _l("My spreadsheet")), SelectChoice("empty", _l("An empty book"))],
        default="spreadsheet",
    )


class PasswordForm(GateForm):
    """The password that is, and the one that shall be."""

    old = PasswordField(_l("Password now"), [NEEDED], render_kw={"autocomplete": "current-password"})
    new = PasswordField(_l("New password"), [NEEDED], description=PASSWORD_HELP, render_kw=NEW_PASSWORD)


class ForgotForm(GateForm):
    """Whose password is forgotten."""

    email = EmailField(_l("E-mail"), [NEEDED], render_kw={"autocomplete": "username", "autofocus": True})


class ResetForm(GateForm):
    """The password that shall be."""

    password = PasswordField(_l("New password"), [NEEDED], description=PASSWORD_HELP, render_kw=NEW_PASSWORD)


class CodeForm(GateForm):
    """A code of an authenticator, or a recovery code."""

    code = StringField(
        _l("Code"),
        [NEEDED],
        description=_l("Six digits from your authenticator, or one of your recovery codes."),
        render_kw={"autocomplete": "one-time-code", "autofocus": True, "maxlength": 20, "autocapitalize": "none"},
    )


class JoinForm(GateForm):
    """Somebody new, who has been invited."""

    name = StringField(_l("Name"), [NEEDED], render_kw={"autocomplete": "name", "maxlength": 255})
    password = PasswordField(_l("Password"), [NEEDED], description=PASSWORD_HELP, render_kw=NEW_PASSWORD)


class OwnPasswordForm(GateForm):
    """The password that is, to show that it is really oneself."""

    password = PasswordField(_l("Your password"), [NEEDED], render_kw={"autocomplete": "current-password"})


class PasswordAndCodeForm(OwnPasswordForm):
    """The password and a code, to take the second factor away."""

    code = StringField(
        _l("Code"),
        [NEEDED],
        description=_l("Six digits from your authenticator, or one of your recovery codes."),
        render_kw={"autocomplete": "one-time-code", "maxlength": 20, "autocapitalize": "none"},
    )


class ProfileForm(GateForm):
    """What people say of themselves, and how pages are drawn for them."""

    name = StringField(_l("Name"), [NEEDED], render_kw={"autocomplete": "name", "maxlength": 255})
    locale = SelectField(
        _l("Language"), choices=or_the_organizations(LOCALES), description=_l("Of words, numbers and dates.")
    )
    timezone = SelectField(_l("Time zone"), choices=or_the_organizations(timezones()))
    theme = RadioField(_l("Looks"), choices=listed(THEMES), default="system")
    has_shortcuts = BooleanField(_l("Single letters are shortcuts, such as N for new"), default=True)


def show_errors(form: FlaskForm, error: Invalid) -> None:
    """Put a rule's sentences beside the fields they are about; what belongs to none stands on top."""
    for name, messages in error.errors.items():
        if name not in form:
            form.form_errors.extend(messages)
            continue
        field: Field = form[name]
        field.errors = [*field.errors, *messages]
