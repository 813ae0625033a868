"""The side menu: what the registry declares, and the pages that features add by hand."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from flask import current_app, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from webapp.core.access import can
from webapp.core.context import Actor, current_context
from webapp.core.resource import Resource, registry
from webapp.core.totals import standing
from webapp.faces.rendering import Renderer, initials_of, tone_of, within_sentence
from webapp.faces.words import WORDS, Catalog

ROLE_NAMES = {
    "owner": _l("Owner"),
    "admin": _l("Administrator"),
    "manager": _l("Manager"),
    "technician": _l("Technician"),
    "auditor": _l("Auditor"),
    "member": _l("Member"),
}
SETTINGS = "settings"


@dataclass(frozen=True, kw_only=True)
class Link:
    """A page that is no resource: where it stands in the menu and who sees it.

    `group` is a group's label, None for the top, `SETTINGS` for the settings' own menu, "account" for one's own.
    `act` is what one goes there to do, as the palette offers it to who holds `act_permission`.
    """

    endpoint: str
    label: Any
    icon: str
    group: Any = None
    permission: str | None = None
    order: int = 100
    act: Any = None
    act_permission: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the menu as the template draws it."""

    label: str
    url: str
    icon: str
    active: bool = False
    count: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Lines under one heading."""

    label: str
    entries: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True)
class Menu:
    """All lines of the frame: the side menu, the settings' own menu and the way there, what is one's own."""

    groups: tuple[Group, ...]
    settings: tuple[Entry, ...]
    foot: tuple[Entry, ...]
    account: tuple[Entry, ...]


_links: list[Link] = []


def add_link(link: Link) -> None:
    """Put a page into the menu; one whose endpoint does not exist is left out when it is drawn."""
    if link not in _links:
        _links.append(link)


def links(actor: Actor, group: Any) -> list[Entry]:
    """Return the added pages of a group that an actor may open, in order."""
    found = [
        link
        for link in _links
        if link.group == group
        and link.endpoint in current_app.view_functions
        and (link.permission is None or can(actor, link.permission))
    ]
    return [
        Entry(str(link.label), url_for(link.endpoint), link.icon, _is_here(link.endpoint))
        for link in sorted(found, key=lambda link: link.order)
    ]


def main_resource(shown: Iterable[Resource]) -> Resource | None:
    """Return the kind that the organization is about: the first one in the menu that can be searched."""
    return next((resource for resource in shown if resource.search), None)


def _is_here(endpoint: str) -> bool:
    return bool(request.blueprint) and request.blueprint == endpoint.partition(".")[0]


def navigation() -> dict[str, Any]:
    """Return the frame's menu for whoever asks: groups of links with counts, settings, oneself, the search."""
    context = current_context()
    actor, totals = context.actor, standing(context.session)[0]
    rights = Actor("", actor.role, actor.permissions, actor.face)
    shown = _listed(rights)
    main = main_resource(shown) if actor.scope_location_id is None else None
    count = totals.get(main.table.name, 0) if main else 0
    below = tuple(
        (resource.name, tuple(_below(resource, *found) for found in resource.menu.below(context)))
        for resource in shown
        if resource.menu
    )
    counted = Renderer(context).number(count) if count else ""
    menu = _menu(rights, WORDS.get_translations(), request.blueprint, request.endpoint, counted, below)
    return {
        "organization": context.tenant.name,
        "home_url": url_for("dashboard.index"),
        "switch_url": _url_of("accounts.organizations"),
        "settings": menu.settings,
        "groups": menu.groups,
        "foot": menu.foot,
        "search_url": url_for("search.index"),
        "me": {
            "name": actor.name,
            "role": ROLE_NAMES.get(actor.role, actor.role),
            "initials": initials_of(actor.name),
            "tone": tone_of(actor.user_id or actor.name),
            "entries": menu.account,
            "logout_url": _url_of("accounts.logout"),
        },
    }


@lru_cache(maxsize=100)
def _listed(rights: Actor) -> list[Resource]:
    """Return the resources that stand in the side menu of everybody who has these rights, in order."""
    found = [r for r in registry.menu(rights) if f"{r.name}.index" in current_app.view_functions]
    return [r for r in found if r.menu and r.menu.group != SETTINGS]


@lru_cache(maxsize=500)
def _menu(
    rights: Actor,
    _catalog: Catalog,
    blueprint: str | None,
    endpoint: str | None,
    count: str,
    below: tuple[tuple[str, tuple[Entry, ...]], ...],
) -> Menu:
    """Return the lines for everybody who has these rights and this language, on this page."""
    lists, shown = dict(below), _listed(rights)
    main = main_resource(shown)
    is_home = endpoint == "dashboard.index"
    home = Entry(_("Dashboard"), url_for("dashboard.index"), "layout-dashboard", is_home, key="g d")
    groups: dict[str, list[Entry]] = {"": [home]}
    for resource in shown:
        if resource.menu is None:
            continue
        here = blueprint == resource.name and not any(line.active for line in lists[resource.name])
        url, is_main = url_for(f"{resource.name}.index"), resource is main
        line = Entry(str(resource.menu.label), url, resource.menu.icon, here)
        line = replace(line, count=count, key="g a") if is_main else line
        groups.setdefault(str(resource.menu.group or ""), []).extend((line, *lists[resource.name]))
    groups[""] += links(rights, None)
    for label in dict.fromkeys(str(link.group) for link in _links if link.group not in (None, SETTINGS, "account")):
        added = [entry for link in _links if str(link.group) == label for entry in links(rights, link.group)]
        groups.setdefault(label, []).extend({entry.url: entry for entry in added}.values())
    settings = settings_menu(rights)
    foot = [Entry(_("Settings"), settings[0].url, "settings", any(e.active for e in settings))] if settings else []
    drawn = tuple(Group(label, tuple(entries)) for label, entries in groups.items() if entries)
    return Menu(drawn, tuple(settings), tuple(foot), tuple(links(rights, "account")))


def _below(resource: Resource, label: str, icon: str, filters: Mapping[str, str]) -> Entry:
    """Return the line of a list that stands below its resource in the menu."""
    here = request.blueprint == resource.name and all(request.args.get(k) == v for k, v in filters.items())
    return Entry(str(label), url_for(f"{resource.name}.index", **filters), icon, here)  # type: ignore[arg-type] # the filters


def _url_of(endpoint: str) -> str | None:
    return url_for(endpoint) if endpoint in current_app.view_functions else None


def destinations(actor: Actor) -> list[Entry]:
    """Return every page that an actor's menus lead to: the dashboard, the lists, the settings, one's own."""
    found = [Entry(_("Dashboard"), url_for("dashboard.index"), "layout-dashboard")]
    listed = [(resource.menu, _url_of(f"{resource.name}.index")) for resource in registry.menu(actor)]
    found += [Entry(str(menu.label), url, menu.icon) for menu, url in listed if menu and url]
    for group in dict.fromkeys(link.group for link in _links):
        found += links(actor, group)
    return found


def acts(actor: Actor) -> list[Entry]:
    """Return what an actor may begin from anywhere: a new thing of each kind, and what pages are there to do."""
    found = []
    for resource in registry.menu(actor):
        if "create" in resource.pages and can(actor, resource.write_permission):
            words = _("New %(thing)s", thing=within_sentence(resource.singular))
            found.append(Entry(words, url_for(f"{resource.name}.create"), "plus"))
    for link in sorted(_links, key=lambda link: link.order):
        needed = link.act_permission or link.permission
        if link.act and (url := _url_of(link.endpoint)) and (needed is None or can(actor, needed)):
            found.append(Entry(str(link.act), url, link.icon))
    return found


def settings_menu(actor: Actor) -> list[Entry]:
    """Return the second menu of the settings: added pages and the resources whose menu group is `SETTINGS`."""
    entries = links(actor, SETTINGS)
    for resource in registry.menu(actor):
        if resource.menu and resource.menu.group == SETTINGS and f"{resource.name}.index" in current_app.view_functions:
            here = request.blueprint == resource.name
            url = url_for(f"{resource.name}.index")
            entries.append(Entry(str(resource.menu.label), url, resource.menu.icon, here))
    return entries
