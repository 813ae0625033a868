"""Declarations of imports: their permissions, and their place in the menu."""

from flask_babel import lazy_gettext as _l

from webapp.core.access import MANAGERS, Permission
from webapp.core.resource import Resource
from webapp.faces.navigation import Link, add_link

RESOURCES: tuple[Resource, ...] = ()
PERMISSIONS = (Permission("imports:read", MANAGERS), Permission("imports:write", MANAGERS))
add_link(
    Link(
        endpoint="imports.index",
        label=_l("Imports"),
        icon="file-import",
        group=_l("Organisation"),
        permission="imports:read",
        order=400,
        act=_l("Import a spreadsheet"),
        act_permission="imports:write",
    )
)
