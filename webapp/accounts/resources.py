"""Declarations of accounts: one's own organization, its users, its members and its keys."""

from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, select

from webapp.accounts.choices import DIALECTS, LOCALES, currencies, timezones
from webapp.accounts.models import ApiKey, Invitation, Membership, Organization, User
from webapp.accounts.numbering import LONGEST_PATTERN, plan_organization, settle_organization
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
PERMISSIONS = (
    Permission("organizations:own", frozenset({"owner"})),
    Permission("activity:read", MANAGERS | {"auditor"}),
)
WHO_SEES_MEMBERS = MANAGERS | {"auditor"}
NUMBERING = _l("Numbers")


class OrganizationSchema(ResourceSchema):
    """One's own organization."""

    name = Text(required=True, label=_l("Name"))
    slug = Text(dump_only=True, label=_l("Short name"), mono=True)
    currency = Choice(currencies(), required=True, label=_l("Currency"))
    timezone = Choice(timezones(), required=True, label=_l("Time zone"), help=_l("Decides what “today” is."))
    locale = Choice(LOCALES, required=True, label=_l("Language"), help=_l("Of numbers and dates, too."))
    asset_tag_pattern = Text(
        max=LONGEST_PATTERN,
        label=_l("Asset tags"),
        group=NUMBERING,
        mono=True,
        help=_l("KFR-%04d counts KFR-0001, KFR-0002 and so on; empty counts AST-000001. Tags that are there stay."),
    )
    unique_serial = Flag(label=_l("No two assets share a serial number"), group=NUMBERING)
    environment = Text(dump_only=True, label=_l("Environment"))


class UserSchema(ResourceSchema):
    """Somebody who may sign in here."""

    name = Text(dump_only=True, label=_l("Name"))
    email = Text(dump_only=True, label=_l("E-mail"))
    locale = Text(dump_only=True, label=_l("Language"))
    timezone = Text(dump_only=True, label=_l("Time zone"))
    is_active = Flag(dump_only=True, label=_l("May sign in"))
    second_factor_at = Moment(dump_only=True, label=_l("Second factor since"))


class MemberSchema(SoftDeletedSchema):
    """A user's place in the organization."""

    user_id = Reference("users", dump_only=True, label=_l("User"))
    user = Name("user_id", label=_l("User"))
    person_id = Reference("persons", dump_only=True, label=_l("Person"))
    person = Name("person_id", label=_l("Person"))
    role = Choice(ROLE_CHOICES, required=True, label=_l("Role"))
    scope_location_id = Reference(
        "locations", label=_l("Only at"), help=_l("Sees this place and what lies below it; empty means everything.")
    )
    scope_location = Name("scope_location_id", label=_l("Only at"))
    is_active = Flag(label=_l("May sign in"))
    last_seen_at = Moment(dump_only=True, label=_l("Last seen"))


class InvitationSchema(SoftDeletedSchema):
    """Somebody who is asked in; accepted and withdrawn ones are deleted."""

    email = Text(dump_only=True, key="email_key", label=_l("E-mail"))
    name = Text(dump_only=True, label=_l("Name"))
    role = Choice(ROLE_CHOICES, dump_only=True, label=_l("Role"))
    scope_location_id = Reference("locations", dump_only=True, label=_l("Only at"))
    scope_location = Name("scope_location_id", label=_l("Only at"))
    invited_by_id = Reference("users", dump_only=True, label=_l("Invited by"))
    invited_by = Name("invited_by_id", label=_l("Invited by"))
    sent_at = Moment(dump_only=True, label=_l("Sent"))
    expires_at = Moment(dump_only=True, label=_l("Open until"))
    accepted_at = Moment(dump_only=True, label=_l("Accepted"))


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
    plan=plan_organization,
    settle=settle_organization,
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
    api=READ | {"history"},
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
    columns=("user", "role", "scope_location", "is_active", "last_seen_at"),
    filters=("role", "user_id", "person_id", "scope_location_id", "is_active"),
    sort="id",
    plan=plan_member,
    settle=settle_members,
    read_roles=WHO_SEES_MEMBERS,
    write_roles=ADMINS,
    api=READ | {"update", "delete", "history"},
    pages=frozenset(),
)
INVITATIONS = Resource(
    name="invitations",
    model=Invitation,
    schema=InvitationSchema,
    title=_l("Invitations"),
    singular=_l("Invitation"),
    icon="mail",
    label="email",
    columns=("email", "name", "role", "scope_location", "sent_at", "expires_at"),
    filters=("email", "role", "scope_location_id"),
    sort="email",
    read_roles=WHO_SEES_MEMBERS,
    write_roles=ADMINS,
    api=READ | {"history"},
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
RESOURCES = (ORGANIZATIONS, USERS, MEMBERS, INVITATIONS, API_KEYS)
