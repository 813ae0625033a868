"""Organizations for tests: made by the program's own rules, committed for real, apart from each other."""

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from flask import Flask

from tests.clients import ApiClient, PageClient
from webapp.core import identity
from webapp.core.access import permissions_of
from webapp.core.context import Actor, Context, Tenant, make_context
from webapp.core.tenancy import new_session

PASSWORD = "correct horse battery"
_numbers = itertools.count(1)


def unique(word: str) -> str:
    """Return a word that no other test of any process has used."""
    return f"{word}-{os.getpid()}-{next(_numbers)}"


@dataclass(frozen=True)
class Household:
    """An organization with its owner, who signs in with `email` and PASSWORD."""

    app: Flask
    tenant: Tenant
    owner: Actor
    email: str

    @property
    def id(self) -> int:
        """Return the organization's id."""
        return self.tenant.id

    @contextmanager
    def context(self, actor: Actor | None = None, *, write: bool = True) -> Iterator[Context]:
        """Open a unit of work of the owner or another actor; the caller commits what is to stay."""
        actor = actor or self.owner
        scope = actor.scope_location_id
        with (
            self.app.app_context(),
            new_session(self.id, write=write, scope_location_id=scope) as session,
        ):
            yield make_context(session, self.tenant, actor)

    def page_client(self) -> PageClient:
        """Return a client signed in as the owner."""
        return anonymous_client(self.app).enter(self.owner.user_id, self.id)

    def member_client(self, role: str, scope_location_id: int | None = None) -> PageClient:
        """Return a client signed in as a new member with a role."""
        from webapp.accounts.rules import add_member

        email = f"{unique(role)}@example.org"
        with self.context() as context:
            member = add_member(
                context, email=email, name=role, password=PASSWORD, role=role, scope_location_id=scope_location_id
            )
            context.session.commit()
            user_id = member.user_id
        return anonymous_client(self.app).enter(user_id, self.id)

    def api_client(self, scopes: tuple[str, ...] = ("*",), scope_location_id: int | None = None) -> ApiClient:
        """Return a client with a new key."""
        from webapp.accounts.rules import create_api_key

        with self.context() as context:
            _key, token = create_api_key(context, unique("key"), scopes, scope_location_id=scope_location_id)
            context.session.commit()
        return ApiClient(self.app, token)

    def actor(self, role: str, scope_location_id: int | None = None) -> Actor:
        """Return an actor for rules with the permissions of a role."""
        permissions = permissions_of(role)
        return Actor(name=role, role=role, permissions=permissions, face="api", scope_location_id=scope_location_id)


def anonymous_client(app: Flask) -> PageClient:
    """Return a browser nobody has signed in with."""
    return PageClient(app, app.response_class, use_cookies=True)


def found_organization(app: Flask, name: str = "") -> Household:
    """Found an organization and commit it."""
    from webapp.accounts.founding import Founding, create_organization

    email = f"{unique('owner')}@example.org"
    with app.app_context():
        organization_id = identity.reserve_organization_id()
        with new_session(organization_id, write=True) as session:
            wanted = Founding(
                name=name or unique("Kestrel"), admin_email=email, admin_password=PASSWORD, admin_name="Olive Owner"
            )
            context = create_organization(session, organization_id, wanted)
            session.commit()
            return Household(app, context.tenant, context.actor, email)
