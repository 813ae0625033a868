"""Who may do what: features declare permissions with their roles, this module knows none of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from webapp.core.context import Actor
from webapp.core.errors import Forbidden

ROLES = ("owner", "admin", "manager", "technician", "auditor", "member")
EVERYBODY = frozenset(ROLES)
MANAGERS = frozenset({"owner", "admin", "manager"})
ADMINS = frozenset({"owner", "admin"})


@dataclass(frozen=True, slots=True)
class Permission:
    """A named right and the roles that hold it by default."""

    name: str
    roles: frozenset[str]


_permissions: dict[str, Permission] = {}


def declare(permissions: Iterable[Permission]) -> None:
    """Make permissions known; a second declaration of a name must say the same."""
    for permission in permissions:
        if _permissions.setdefault(permission.name, permission) != permission:
            raise ValueError(f"{permission.name} is declared twice")
    permissions_of.cache_clear()


def all_permissions() -> dict[str, Permission]:
    """Return every declared permission by name."""
    return dict(_permissions)


@lru_cache(maxsize=64)
def permissions_of(role: str) -> frozenset[str]:
    """Return the names of the permissions a role holds."""
    return frozenset(name for name, permission in _permissions.items() if role in permission.roles)


def granted(role: str, scopes: Iterable[str] | None) -> frozenset[str]:
    """Return what a role holds, cut to a key's scopes when it has any (`*` is all)."""
    held = permissions_of(role)
    if scopes is None or "*" in (wanted := set(scopes)):
        return held
    return held & wanted


def can(actor: Actor, permission: str) -> bool:
    """Tell whether an actor holds a permission."""
    return permission in actor.permissions


def require(actor: Actor, permission: str) -> None:
    """Raise Forbidden unless an actor holds a permission."""
    if permission not in _permissions:
        raise ValueError(f"nobody declared {permission}")
    if not can(actor, permission):
        raise Forbidden(f"this needs the permission {permission}")
