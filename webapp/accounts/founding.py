"""What happens when an organization is founded, and to its own row."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from webapp.accounts.choices import LOCALES, currencies, timezones
from webapp.accounts.models import Membership, Organization
from webapp.accounts.passwords import hash_password, is_right
from webapp.accounts.rules import Errors, name_faults, person_faults, person_of
from webapp.core import identity
from webapp.core.access import permissions_of
from webapp.core.activity import activity_row, differences
from webapp.core.context import Actor, Context, Tenant, make_context
from webapp.core.errors import Conflict, Invalid
from webapp.core.numbers import reserve
from webapp.core.recorder import record
from webapp.core.resource import registry
from webapp.core.tenancy import new_session
from webapp.core.writes import Change

TAG_SERIES = "asset_tag"
_TAG = re.compile(r"(?P<stem>[^%\x00-\x1f]{0,40}?)(?P<number>[0-9]{1,12})")


@dataclass(frozen=True, slots=True)
class Founding:
    """What a new organization starts from; texts as they were typed."""

    name: str
    admin_email: str
    admin_password: str
    admin_name: str = ""
    currency: str = "EUR"
    timezone: str = "UTC"
    locale: str = "en_GB"
    first_tag: str = ""
    first: bool = False
    at: datetime | None = None


def found_organization(wanted: Founding) -> Context:
    """Make an organization in a session and a transaction of its own; return the owner's context, committed."""
    organization_id = identity.reserve_organization_id()
    with new_session(organization_id, write=True) as session:
        context = create_organization(session, organization_id, wanted)
        session.commit()
    return context


def create_organization(session: Session, organization_id: int, wanted: Founding) -> Context:
    """Make an organization with its owner and everything that features seed; return the owner's context.

    The session must be bound to `organization_id`, a reserved id. With `first` it is refused once there is a user.
    An address that is known already keeps its password, which must then be the one given.
    Raises Invalid or Conflict.
    """
    name, email = wanted.name.strip(), wanted.admin_email.strip()
    errors = {**_check_organization(wanted), **person_faults("admin_", wanted.admin_name, email, wanted.admin_password)}
    if errors:
        raise Invalid(errors)
    if wanted.first and not identity.is_empty(connection=session.connection()):
        raise Conflict(_("This installation is set up already."), code="set_up")
    user_id = _owner(session, wanted, email)
    organization = Organization(
        id=organization_id,
        name=name,
        slug=free_slug(name),
        currency=wanted.currency,
        timezone=wanted.timezone,
        locale=wanted.locale,
        asset_tag_pattern=_tag_pattern(wanted.first_tag),
    )
    session.add(organization)
    session.flush()
    _skip_numbers(session, wanted.first_tag)
    tenant = tenant_of(organization)
    owner = Actor(
        name=wanted.admin_name.strip() or email,
        role="owner",
        permissions=permissions_of("owner"),
        face="page" if wanted.first else "cli",
        user_id=user_id,
        locale=tenant.locale,
        timezone=tenant.timezone,
    )
    context = make_context(session, tenant, owner, at=wanted.at)
    values = {column.name: getattr(organization, column.name) for column in organization.__table__.c}
    record_change(context, [Change(None, values)])
    person_id = person_of(context, owner.name, email)
    session.add(Membership(organization_id=organization_id, user_id=user_id, role="owner", person_id=person_id))
    session.flush()
    for seed in registry.seeds:
        seed(context)
    session.flush()
    return context


def _owner(session: Session, wanted: Founding, email: str) -> int:
    connection = session.connection()
    known = identity.find_user(email, connection=connection)
    if known is not None:
        if not is_right(wanted.admin_password, known["password_hash"]):
            raise Invalid({"admin_password": [_("This address has an account already, with another password.")]})
        return int(known["id"])
    made = identity.create_user(
        email=email,
        name=wanted.admin_name.strip() or email.partition("@")[0],
        password_hash=hash_password(wanted.admin_password),
        connection=connection,
    )
    if made is None:
        raise Conflict(_("Somebody has just taken this address."), code="taken")
    return made


def tenant_of(organization: Organization) -> Tenant:
    """Return an organization as rules take it."""
    own = {name: getattr(organization, name) for name in ("asset_tag_pattern", "unique_serial")}
    return Tenant(
        id=organization.id,
        guid=organization.guid,
        name=organization.name,
        slug=organization.slug,
        currency=organization.currency,
        timezone=organization.timezone,
        locale=organization.locale,
        settings={**organization.settings, **{name: value for name, value in own.items() if value is not None}},
    )


def record_change(context: Context, changes: list[Change]) -> None:
    """Write the history of an organization's own row, which no tenant table holds."""
    lines = [
        activity_row(
            context,
            context.organization_id,
            table=Organization.__tablename__,
            row=change.after,
            event_name="Create" if change.before is None else "Update",
            changes=differences(change.before, change.after),
        )
        for change in changes
    ]
    record(context.session, lines)


def _tag_pattern(first_tag: str) -> str | None:
    """Return the pattern that numbers assets like a first tag: `KFR-0100` gives `KFR-%04d`."""
    found = _TAG.fullmatch(first_tag.strip())
    return f"{found['stem']}%0{len(found['number'])}d" if found else None


def _skip_numbers(session: Session, first_tag: str) -> None:
    found = _TAG.fullmatch(first_tag.strip())
    if found and int(found["number"]) > 1:
        reserve(session, TAG_SERIES, int(found["number"]) - 1)


def free_slug(name: str) -> str:
    """Return a slug made from a name, with a number when others have it: "Kestrel Ltd" gives `kestrel-ltd`."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    stem = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60] or "organization"
    slug, number = stem, 1
    while identity.organization_by_slug(slug) is not None:
        number += 1
        slug = f"{stem}-{number}"
    return slug


def _check_organization(wanted: Founding) -> Errors:
    errors: Errors = {}
    if faults := name_faults(wanted.name):
        errors["name"] = faults
    for field, known in (("currency", currencies()), ("timezone", timezones()), ("locale", LOCALES)):
        if getattr(wanted, field) not in known:
            errors[field] = [_("Choose one of the list.")]
    if wanted.first_tag.strip() and not _TAG.fullmatch(wanted.first_tag.strip()):
        errors["first_tag"] = [_("End it with a number, such as AST-000001.")]
    return errors
