"""Declarations of archives: no resource, one right that owners alone have."""

from webapp.archives.rules import WRITE
from webapp.core.access import Permission
from webapp.core.resource import Resource

PERMISSIONS = (Permission(WRITE, frozenset({"owner"})),)
RESOURCES: tuple[Resource, ...] = ()
