"""The first page: figures that lead to their lists, the cards that features hang there, and what was done lately."""

import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from flask import current_app, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import format_date
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from sqlalchemy import ColumnElement, String, and_, cast, func, literal, or_, select, union_all

from webapp.core.access import can
from webapp.core.activity import Activity
from webapp.core.compiled import Row
from webapp.core.conditions import reach
from webapp.core.context import Context
from webapp.core.database import table_of
from webapp.core.parameters import ListParameters
from webapp.core.query import list_rows
from webapp.core.resource import Resource, registry
from webapp.core.tenancy import CHECKED, scoped
from webapp.core.totals import standing
from webapp.faces.navigation import main_resource
from webapp.faces.page_details import title_of
from webapp.faces.rendering import Renderer, initials_of, tone_of, within_sentence

T = TypeVar("T")
Called = Mapping[tuple[str, int], tuple[str, bool]]

LINES, WINDOW = 8, 2_000
# how long counts are kept: those that are quick to count are counted again at every change
KEEP, QUICK, PATIENCE, MOST_KEPT = 60.0, 0.25, 20.0, 500
MORNING_ENDS, AFTERNOON_ENDS = 12, 18
SENTENCES = {
    "Create": _l("%(who)s added %(what)s"),
    "Update": _l("%(who)s changed %(what)s"),
    "Delete": _l("%(who)s deleted %(what)s"),
    "Restore": _l("%(who)s restored %(what)s"),
}
_kept: dict[tuple[Any, ...], tuple[float, float, Any, Any]] = {}


def dashboard(context: Context) -> ResponseReturnValue:
    """Show how things stand: the features' figures and cards, what was done lately, what came in last."""
    renderer, totals = Renderer(context), standing(context.session)[0]
    main = main_resource(r for r in registry.menu(context.actor) if f"{r.name}.index" in current_app.view_functions)
    is_empty = main is not None and not totals.get(main.table.name)
    figures = [] if is_empty else _figures(context)
    cards = [*([] if is_empty else _cards(context)), *_own_cards(context, None if is_empty else main, renderer)]
    return render_template(
        "resource/dashboard.html",
        crumbs=[(_("Dashboard"), None)],
        greeting=_greeting(context, renderer),
        today=format_date(context.at.astimezone(renderer.zone).date(), "full", rebase=False),
        figures=figures,
        cards=sorted(cards, key=lambda card: card["order"]),
        acts=_first_acts(context, main) if main else [],
        empty=is_empty,
    )


def _greeting(context: Context, renderer: Renderer) -> str:
    name, hour = context.actor.name.split(" ")[0], context.at.astimezone(renderer.zone).hour
    if hour < MORNING_ENDS:
        return _("Good morning, %(name)s", name=name)
    if hour < AFTERNOON_ENDS:
        return _("Good afternoon, %(name)s", name=name)
    return _("Good evening, %(name)s", name=name)


def _figures(context: Context) -> list[dict[str, Any]]:
    """Return the figures of all features: {label, icon, tone, value, meta, url}."""
    panels = registry.panels("dashboard", "figure", context.actor)
    return [figure for panel in panels for figure in panel.query(context, {})["figures"]]


def _cards(context: Context) -> list[dict[str, Any]]:
    """Return the cards that have something to show; `data` may say how wide (`span`), and what stands in the header."""
    panels = registry.panels("dashboard", "card", context.actor)
    found = [_card(panel.title, panel.query(context, {}), panel.template, panel.order) for panel in panels]
    return [card for card in found if card["data"]]


def _card(title: Any, data: Mapping[str, Any], template: str, order: int) -> dict[str, Any]:
    return {"title": title, "data": data, "template": template, "order": order}


def _own_cards(context: Context, main: Resource | None, renderer: Renderer) -> list[dict[str, Any]]:
    """Return the cards over all kinds: what was done lately, and what came in last."""
    cards = []
    if lines := lately(context, renderer):
        data: dict[str, Any] = {"span": 5, "lines": lines}
        cards.append(_card(_("Lately"), data, "dashboard/_lately.html", 20))
    if main and (rows := _newest(context, main, renderer)):
        data = {"span": 5, "rows": rows, "more": (_("All"), url_for(f"{main.name}.index", sort="-created_at"))}
        title = _("Newest %(things)s", things=within_sentence(main.title))
        cards.append(_card(title, data, "dashboard/_newest.html", 40))
    return cards


def remembered(context: Context, name: str, make: Callable[[Context], T]) -> T:
    """Return what `make` counts, from this process's memory while nothing has changed, for a minute at most.

    It is kept apart for each organization, part of the tree and set of rights. What took long to count stays as long
    as it was dear (twenty times its cost, a minute at most) even when something has changed.
    """
    actor = context.actor
    key = (name, context.organization_id, actor.scope_location_id, actor.permissions)
    stamp, now = _stamp(context), time.monotonic()
    if known := _kept.get(key):
        made_at, cost, made_for, value = known
        patience = min(KEEP, PATIENCE * cost) if cost > QUICK else 0.0
        if now - made_at < (KEEP if made_for == stamp else patience):
            return value
    value = make(context)
    if len(_kept) >= MOST_KEPT:
        _kept.clear()
    _kept[key] = (now, time.monotonic() - now, stamp, value)
    return value


def _stamp(context: Context) -> tuple[Any, ...]:
    """Return what differs after any change of the organization: its totals and its last line of the log."""
    last: int | None = context.session.info.get("last_line")
    if last is None:
        table = table_of(Activity)
        query = select(func.max(table.c.id)).where(scoped(context.session, table))
        last = context.session.execute(query, execution_options=CHECKED).scalar() or 0
        context.session.info["last_line"] = last
    return (context.today, last, tuple(sorted(standing(context.session)[0].items())))


def lately(context: Context, renderer: Renderer) -> list[dict[str, Any]]:
    """Return what was done lately, newest first: one line a change, one for many of the same kind done at once."""
    kinds = _told(context)
    if not kinds:
        return []
    log = table_of(Activity)
    window = (
        select(log)
        .where(scoped(context.session, log), log.c.item_type.in_(kinds))
        .order_by(log.c.id.desc())
        .limit(WINDOW)
        .subquery()
    )
    columns = ("actor_name", "face", "item_name", "item_id", "at", "actor_user_id")
    grouped = (
        select(
            window.c.item_type,
            window.c.event,
            func.max(window.c.id).label("id"),
            func.count().label("count"),
            *(func.max(window.c[name]).label(name) for name in columns),
        )
        .where(_in_reach(context, window, kinds))
        .group_by(window.c.change_set_id, window.c.item_type, window.c.event)
        .order_by(func.max(window.c.id).desc())
        .limit(LINES)
    )
    rows = [dict(row) for row in context.session.execute(grouped, execution_options=CHECKED).mappings()]
    called = _called(context, kinds, rows)
    return [_line(context, renderer, kinds[row["item_type"]], row, called) for row in rows]


def _called(context: Context, kinds: Mapping[str, Resource], rows: list[Row]) -> Called:
    """Return what the things of some lines are called, and whether they are deleted: one statement."""
    ids: dict[str, list[int]] = {}
    for row in rows:
        ids.setdefault(row["item_type"], []).append(row["item_id"])
    arms = []
    for name, wanted in ids.items():
        resource = kinds[name]
        table, column = resource.table, resource.fields[resource.subtitle or resource.label].column
        columns: tuple[Any, ...] = (literal(name, String), table.c.id, cast(table.c[column], String))
        is_gone = table.c.deleted_at.isnot(None) if "deleted_at" in table.c else literal(False)
        arms.append(select(*columns, is_gone).where(*reach(context, resource), table.c.id.in_(wanted)))
    if not arms:
        return {}
    found = context.session.execute(union_all(*arms), execution_options=CHECKED)
    return {(name, row_id): (text or "", bool(is_gone)) for name, row_id, text, is_gone in found}


def _told(context: Context) -> dict[str, Resource]:
    """Return the kinds whose changes an actor may read about, by table."""
    return {
        resource.table.name: resource
        for resource in registry.resources.values()
        if {"get", "history"} <= resource.pages and can(context.actor, resource.read_permission)
    }


def _in_reach(context: Context, window: Any, kinds: Mapping[str, Resource]) -> ColumnElement[bool]:
    """Return the predicate of the lines about things that a narrowed actor may see."""
    if context.actor.scope_location_id is None:
        return and_(True)
    located = {name: resource for name, resource in kinds.items() if resource.located_by}
    inside = [
        and_(
            window.c.item_type == name,
            window.c.item_id.in_(select(resource.table.c.id).where(*reach(context, resource))),
        )
        for name, resource in located.items()
    ]
    return or_(window.c.item_type.notin_(list(located)), *inside)


def _line(context: Context, renderer: Renderer, resource: Resource, row: Row, called: Called) -> dict[str, Any]:
    name, is_gone = called.get((row["item_type"], row["item_id"]), ("", True))
    what, url = name or row["item_name"], url_for(f"{resource.name}.detail", row_id=row["item_id"])
    if row["count"] > 1:
        number = renderer.number(row["count"]) + ("+" if row["count"] == WINDOW else "")
        what = _("%(number)s %(things)s", number=number, things=within_sentence(resource.title))
    if row["count"] > 1 or (is_gone and not can(context.actor, resource.write_permission)):
        url = url_for(f"{resource.name}.index")
    local, today = row["at"].astimezone(renderer.zone).date(), context.at.astimezone(renderer.zone).date()
    return {
        "initials": initials_of(row["actor_name"]) if row["face"] == "page" else "",
        "tone": tone_of(row["actor_user_id"] or row["actor_name"]),
        "icon": {"api": "api", "job": "settings-automation"}.get(row["face"], "terminal-2"),
        "said": _said(row, what, row["item_name"] if resource.subtitle and what == name else "", url),
        "when": renderer.time(row["at"]) if local == today else renderer.day(local),
        "iso": row["at"].isoformat(timespec="seconds"),
    }


def _said(row: Row, what: str, tag: str, url: str) -> Markup:
    """Return the sentence of a line, as the language orders it: who did what with which thing."""
    who = Markup('<b class="fw-medium">{}</b>').format(row["actor_name"])
    thing = Markup('<a href="{}">{}</a>').format(url, what)
    if tag:
        thing += Markup(' <span class="d-inline-block text-secondary qm-num">{}</span>').format(tag)
    sentence = str(SENTENCES.get(row["event"], SENTENCES["Update"]))
    return Markup(sentence) % {"who": who, "what": thing}  # noqa: S704 the catalogue's own text; what goes in is escaped


def _newest(context: Context, main: Resource, renderer: Renderer) -> list[dict[str, Any]]:
    """Return the last few things that came in."""
    names = tuple(name for name in (main.subtitle, "created_at") if name)
    parameters = ListParameters(sort=(("created_at", True),), per_page=LINES)
    rows = list_rows(context, main, parameters, fields=names).rows
    found = []
    for row in rows:
        title, tag = title_of(main, row)
        url = url_for(f"{main.name}.detail", row_id=row["id"])
        when = renderer.day(row["created_at"].astimezone(renderer.zone).date())
        found.append({"title": title, "tag": tag, "url": url, "when": when})
    return found


def _first_acts(context: Context, main: Resource) -> list[dict[str, Any]]:
    """Return the ways to fill the book: bring a sheet, or write down one thing."""
    if not can(context.actor, main.write_permission):
        return []
    acts = []
    if "imports.index" in current_app.view_functions and can(context.actor, "imports:write"):
        acts.append({"label": _("Import a spreadsheet"), "icon": "table-import", "url": url_for("imports.index")})
    if "create" in main.pages:
        thing, url = within_sentence(main.singular), url_for(f"{main.name}.create")
        acts.append({"label": _("New %(thing)s", thing=thing), "icon": "plus", "url": url})
        acts[-1]["first"] = _("Add the first %(thing)s", thing=thing)
    return acts
