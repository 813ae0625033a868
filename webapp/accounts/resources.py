"""Declarations of accounts: one's own organization, its users, its members and its keys."""

from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, select

from webapp.accounts.choices import DIALECTS, currencies, locales, timezones
from webapp.accounts.founding import record_change
from webapp.accounts.models import ApiKey, Membership, Organization, User
from webapp.accounts.rules import plan_member, settle_members
from webapp.core.access import ADMINS, MANAGERS, ROLES, Permission
from webapp.core.context import Context
from webapp.core.fields import Choice, Codes, Flag, Moment, Name, Reference, ResourceSchema, SoftDeletedSchema, Text
from webapp.core.resource import Resource
from webapp.core.tenancy import organization_of
from webapp.faces.navigation import ROLE_NAMES

READ = frozenset({"list", "get"})
ROLE_CHOICES = {role: ROLE_NAMES[role] for role in ROLES}
# What sets an owner apart from an administrator: only who holds it may make or unmake an owner.
PERMISSIONS = (Permission("organizations:own", frozenset({"owner"})),)
WHO_SEES_MEMBERS = MANAGERS | {"auditor"}


class OrganizationSchema(ResourceSchema):
    """One's own organization."""

    name = Text(required=True, label=_l("Name"))
    slug = Text(dump_only=True, label=_l("Short name"), mono=True)
    currency = Choice(currencies(), required=True, label=_l("Currency"))
    timezone = Choice(timezones(), required=True, label=_l("Time zone"), help=_l("Decides what “today” is."))
    locale = Choice(locales(), required=True, label=_l("Language"), help=_l("Of numbers and dates, too."))
    environment = Text(dump_only=True, label=_l("Environment"))


class UserSchema(ResourceSchema):
    """Somebody who may sign in here."""

    name = Text(dump_only=True, label=_l("Name"))
    email = Text(dump_only=True, label=_l("E-mail"))
    locale = Text(dump_only=True, label=_l("Language"))
    timezone = Text(dump_only=True, label=_l("Time zone"))
    is_active = Flag(dump_only=True, label=_l("May sign in"))


class MemberSchema(SoftDeletedSchema):
    """A user's place in the organization."""

    user_id = Reference("users", dump_only=True, label=_l("User"))
    user = Name("user_id", label=_l("User"))
    role = Choice(ROLE_CHOICES, required=True, label=_l("Role"))
    scope_location_id = Reference(
        "locations", label=_l("Only at"), help=_l("Sees this place and what lies below it; empty means everything.")
    )
    scope_location = Name("scope_location_id", label=_l("Only at"))


class ApiKeySchema(SoftDeletedSchema):
    """A key for machines; its secret is in the answer that makes it, and nowhere else."""

    name = Text(dump_only=True, label=_l("Name"))
    prefix = Text(dump_only=True, label=_l("Key"), mono=True)
    dialect = Choice(DIALECTS, dump_only=True, label=_l("Face"))
    scopes = Codes(dump_only=True, label=_l("May"))
    ip_allowlist = Codes(dump_only=True, label=_l("From"))
    expires_at = Moment(dump_only=True, label=_l("Ends"))
    last_used_at = Moment(dump_only=True, label=_l("Last used"))
    revoked_at = Moment(dump_only=True, label=_l("Revoked"))
    created_by_id = Reference("users", dump_only=True, label=_l("Made by"))
    created_by = Name("created_by_id", label=_l("Made by"))
    scope_location_id = Reference("locations", dump_only=True, label=_l("Only at"))
    scope_location = Name("scope_location_id", label=_l("Only at"))


def members_only(context: Context) -> ColumnElement[bool]:
    """Return the predicate of the users who are members here, which users' own table does not know."""
    members = Membership.__table__
    inside = select(members.c.user_id).where(
        members.c.organization_id == organization_of(context.session), members.c.deleted_at.is_(None)
    )
    return User.__table__.c.id.in_(inside)


def own_only(context: Context) -> ColumnElement[bool]:
    """Return the predicate of one's own organization."""
    return Organization.__table__.c.id == organization_of(context.session)


ORGANIZATIONS = Resource(
    name="organizations",
    model=Organization,
    schema=OrganizationSchema,
    title=_l("Organisations"),
    singular=_l("Organisation"),
    icon="building",
    columns=("name", "slug", "currency", "timezone", "locale"),
    belongs=own_only,
    settle=record_change,
    write_roles=ADMINS,
    api=READ | {"update", "history"},
    pages=frozenset(),
)
USERS = Resource(
    name="users",
    model=User,
    schema=UserSchema,
    title=_l("Users"),
    singular=_l("User"),
    icon="user",
    columns=("name", "email", "is_active"),
    filters=("email",),
    belongs=members_only,
    read_roles=WHO_SEES_MEMBERS,
    write_roles=ADMINS,
    api=READ,
    pages=frozenset(),
)
MEMBERS = Resource(
    name="members",
    model=Membership,
    schema=MemberSchema,
    title=_l("Members"),
    singular=_l("Member"),
    icon="users",
    label="role",
    columns=("user", "role", "scope_location"),
    filters=("role", "user_id", "scope_location_id"),
    sort="id",
    plan=plan_member,
    settle=settle_members,
    read_roles=WHO_SEES_MEMBERS,
    write_roles=ADMINS,
    api=READ | {"update", "delete", "history"},
    pages=frozenset(),
)
API_KEYS = Resource(
    name="api-keys",
    model=ApiKey,
    schema=ApiKeySchema,
    title=_l("API keys"),
    singular=_l("API key"),
    icon="key",
    columns=("name", "prefix", "dialect", "scopes", "last_used_at", "expires_at"),
    filters=("dialect", "created_by_id", "scope_location_id"),
    read_roles=ADMINS,
    write_roles=ADMINS,
    api=READ | {"history"},
    pages=frozenset(),
)
RESOURCES = (ORGANIZATIONS, USERS, MEMBERS, API_KEYS)
