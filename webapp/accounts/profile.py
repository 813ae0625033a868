"""What people may say of themselves, and where they are signed in."""

import hashlib

from flask_babel import gettext as _
from sqlalchemy import select

from webapp.accounts.choices import LOCALES, THEMES, timezones
from webapp.accounts.models import User
from webapp.accounts.rules import Errors, name_faults, remember_user
from webapp.core import identity
from webapp.core.context import Context
from webapp.core.errors import Invalid, NotFound
from webapp.core.identity_statements import Row

COLUMNS = ("name", "locale", "timezone", "theme", "has_shortcuts")


def own_account(context: Context) -> User:
    """Return the actor's account, without its secrets."""
    return context.session.scalars(select(User).where(User.id == context.actor.user_id)).one()


def change_profile(
    context: Context, *, name: str, locale: str | None, timezone: str | None, theme: str | None, has_shortcuts: bool
) -> None:
    """Change the actor's name, language, time zone and looks; None follows the organization, or the device.

    Raises Invalid.
    """
    errors: Errors = {}
    if found := name_faults(name):
        errors["name"] = found
    for field, value, known in (
        ("locale", locale, LOCALES),
        ("timezone", timezone, timezones()),
        ("theme", theme, THEMES),
    ):
        if value is not None and value not in known:
            errors[field] = [_("Choose one of the list.")]
    if errors:
        raise Invalid(errors)
    before = own_account(context)
    after = {
        "name": name.strip(),
        "locale": locale,
        "timezone": timezone,
        "theme": None if theme == "system" else theme,
        "has_shortcuts": has_shortcuts,
    }
    changes = {column: [getattr(before, column), after[column]] for column in COLUMNS}
    changes = {column: pair for column, pair in changes.items() if pair[0] != pair[1]}
    if not changes:
        return
    identity.change_profile(before.id, **after, connection=context.session.connection())  # type: ignore[arg-type] # as named
    context.session.expire(before)
    remember_user(context, before.id, "Update", changes)


def name_of_session(secret_hash: str) -> str:
    """Return the name by which a page calls a session: nothing can be done with it but end one's own."""
    return hashlib.sha256(f"session {secret_hash}".encode()).hexdigest()[:24]


def own_sessions(user_id: int) -> list[Row]:
    """Return the actor's living sessions in every organization, the last seen first."""
    return identity.sessions_of(user_id)


def end_session(user_id: int, name: str) -> str:
    """End one of the actor's sessions, by its name; return its hash. Raises NotFound."""
    for row in own_sessions(user_id):
        if name_of_session(row["secret_hash"]) == name:
            identity.close_session(secret_hash=row["secret_hash"])
            return str(row["secret_hash"])
    raise NotFound(_("This session has ended already."))
