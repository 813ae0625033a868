"""Settings: the keys that machines use."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, current_app, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from marshmallow import RAISE, Schema

from webapp.accounts.choices import DIALECTS
from webapp.accounts.models import ApiKey
from webapp.accounts.resources import API_KEYS
from webapp.accounts.rules import create_api_key, revoke_api_key
from webapp.accounts.setting_frame import confirm_page, route, settings_page
from webapp.accounts.usage import DAYS_SHOWN, totals_of, usage_of
from webapp.core.access import can, permissions_of
from webapp.core.context import Context
from webapp.core.errors import Invalid
from webapp.core.fields import Codes, Day, Reference, Text
from webapp.core.labels import labels_for
from webapp.core.parameters import ListParameters
from webapp.core.query import get_row, list_rows
from webapp.faces.charts import line_chart
from webapp.faces.forms import action_form
from webapp.faces.navigation import SETTINGS, Link, add_link
from webapp.faces.rendering import Renderer
from webapp.faces.surface import go, once, toast

ENDS_SOON = timedelta(days=30)
MOST_ROWS = 1000
WIDE, NARROW = (920, 220), (340, 180)
keys = Blueprint("keys", __name__)


@lru_cache(maxsize=64)
def key_schema(permissions: frozenset[str]) -> type[Schema]:
    """Return the schema of a new key's form: it offers what its maker holds, and no more."""
    offered = {"*": _l("Everything")} if permissions >= permissions_of("owner") else {}
    return type(
        "KeyForm",
        (Schema,),
        {
            "name": Text(required=True, label=_l("Name"), help=_l("What it is for, such as “Intune sync”")),
            "scopes": Codes(
                {**offered, **{name: name for name in sorted(permissions)}},
                required=True,
                label=_l("May"),
                help=_l("What it is allowed to do; choose one or more."),
            ),
            "expires_on": Day(label=_l("Ends"), help=_l("The last day on which it works; empty means never.")),
            "ip_allowlist": Text(
                max=2000,
                label=_l("Only from"),
                mono=True,
                help=_l("Addresses and networks, such as 10.20.0.0/16, separated by commas; empty means everywhere."),
            ),
            "scope_location_id": Reference(
                "locations",
                label=_l("Only at"),
                help=_l("Sees this place and what lies below it; empty means everything."),
            ),
        },
    )


def list_keys(context: Context) -> ResponseReturnValue:
    """Show the keys in use, or the revoked ones."""
    return _keys_page(context, revoked=request.args.get("show") == "revoked")


def _keys_page(context: Context, *, revoked: bool = False, made: ApiKey | None = None, token: str = "") -> str:
    newest = ListParameters(sort=(("id", True),), per_page=MOST_ROWS)
    living = list_rows(context, API_KEYS, newest)
    gone = list_rows(context, API_KEYS, ListParameters(sort=(("id", True),), per_page=MOST_ROWS, deleted=True))
    renderer = Renderer(context)
    shown = (gone if revoked else living).rows
    return settings_page(
        "accounts/keys.html",
        _("API keys"),
        rows=[_key_row(context, renderer, row) for row in shown],
        may_write=can(context.actor, API_KEYS.write_permission),
        in_use=len(living.rows),
        revoked=len(gone.rows),
        shows_revoked=revoked,
        secret=_secret(context, renderer, made, token) if made else None,
    )


def _key_row(context: Context, renderer: Renderer, row: dict[str, Any]) -> dict[str, Any]:
    ends, used = row["expires_at"], row["last_used_at"]
    return {
        "id": row["id"],
        "name": row["name"],
        "prefix": row["prefix"],
        "face": DIALECTS.get(row["dialect"], row["dialect"]),
        "scopes": _scopes(row["scopes"]),
        "place": row["scope_location"] or _("everywhere"),
        "networks": ", ".join(row["ip_allowlist"]) or _("anywhere"),
        "used": renderer.moment(used) if used else _("never"),
        "ends": renderer.day(_last_day(context, ends)) if ends else _("never"),
        "ends_soon": bool(ends and context.at < ends < context.at + ENDS_SOON),
        "is_over": bool(ends and ends <= context.at),
        "revoked": renderer.moment(row["revoked_at"] or row["deleted_at"]) if row["deleted_at"] else "",
    }


def _scopes(scopes: list[str]) -> str:
    return ", ".join(_("everything") if scope == "*" else scope for scope in scopes)


def _last_day(context: Context, ends: datetime) -> Any:
    return (ends - timedelta(milliseconds=1)).astimezone(ZoneInfo(context.tenant.timezone)).date()


def _secret(context: Context, renderer: Renderer, made: ApiKey, token: str) -> dict[str, Any]:
    pairs = [(_("May"), _scopes(made.scopes))]
    if made.scope_location_id:
        place = labels_for(context, {"locations": [made.scope_location_id]})["locations"]
        pairs.append((_("Only at"), str(place[made.scope_location_id]["label"])))
    if made.ip_allowlist:
        pairs.append((_("From"), ", ".join(made.ip_allowlist)))
    pairs.append((_("Ends"), renderer.day(_last_day(context, made.expires_at)) if made.expires_at else _("never")))
    url = current_app.config["BASE_URL"]
    example = f'curl "{url}/api/v1/assets?per_page=1" \\\n  -H "Authorization: Bearer {made.prefix}_…"'
    return {"name": made.name, "token": token, "pairs": pairs, "example": example}


def new_key(context: Context) -> ResponseReturnValue:
    """Make a key and show it once, over the list; the same form sent twice makes one."""
    schema = key_schema(context.actor.permissions)
    form = action_form(context, schema, posted=request.form if request.method == "POST" else None)
    title, crumbs = _("New key"), [(_("API keys"), url_for("keys.index")), (_("New key"), None)]

    def again() -> str:
        return settings_page("accounts/form.html", title, form=form, back=url_for("keys.index"), crumbs=crumbs)

    if request.method == "GET":
        return again()
    context, done = once(context, form.nonce.data or "")
    if done:
        return go(url_for("keys.index"))
    loaded = form.load(schema(unknown=RAISE), form.patch(request.form))
    if loaded is None:
        return again(), 422
    try:
        made, token = create_api_key(
            context,
            loaded["name"],
            loaded["scopes"],
            expires_at=_end_of(context, loaded.get("expires_on")),
            ip_allowlist=(loaded.get("ip_allowlist") or "").replace(",", " ").split(),
            scope_location_id=loaded.get("scope_location_id"),
        )
    except Invalid as error:
        context.session.rollback()
        form.show({{"expires_at": "expires_on"}.get(name, name): found for name, found in error.errors.items()})
        return again(), 422
    return _keys_page(context, made=made, token=token)


def _end_of(context: Context, day: Any) -> datetime | None:
    """Return the moment at which a day is over, in the organization's zone."""
    if day is None:
        return None
    return datetime.combine(day + timedelta(days=1), time(), ZoneInfo(context.tenant.timezone)).astimezone(UTC)


def show_key(context: Context, row_id: int) -> ResponseReturnValue:
    """Show what a key is, and what it asked in the last thirty days; a revoked one too."""
    row = get_row(context, API_KEYS, row_id, deleted=True)
    renderer, shown = Renderer(context), _key_row(context, Renderer(context), row)
    first = context.today - timedelta(days=DAYS_SHOWN - 1)
    days = usage_of(context, row_id, first, context.today)
    totals = totals_of(days)
    facts = [
        (_("Key"), f"{row['prefix']}…"),
        (_("Face"), shown["face"]),
        (_("May"), shown["scopes"]),
        (_("Only at"), shown["place"]),
        (_("From"), shown["networks"]),
        (_("Last used"), shown["used"]),
        (_("Ends"), shown["ends"]),
        (_("Made"), _made_by(renderer, row)),
    ]
    return settings_page(
        "accounts/key.html",
        row["name"],
        crumbs=[(_("API keys"), url_for("keys.index")), (row["name"], None)],
        key=shown,
        may_write=can(context.actor, API_KEYS.write_permission),
        facts=facts + ([(_("Revoked"), shown["revoked"])] if shown["revoked"] else []),
        figures=_figures(renderer, totals),
        charts=[_chart(renderer, days, first, context.today, totals, is_wide=is_wide) for is_wide in (True, False)]
        if totals["requests"]
        else [],
    )


def _made_by(renderer: Renderer, row: dict[str, Any]) -> str:
    at = renderer.moment(row["created_at"])
    return _("%(moment)s by %(name)s", moment=at, name=row["created_by"]) if row["created_by"] else at


def _figures(renderer: Renderer, totals: Mapping[str, int]) -> list[tuple[str, str, str]]:
    words = (
        (_("Requests"), "requests", _("in 30 days")),
        (_("Refused"), "client_errors", _("answers 4xx: the caller's error")),
        (_("Failed"), "server_errors", _("answers 5xx: our error")),
        (_("Too many"), "limited", _("answers 429: over the limit")),
    )
    return [(word, renderer.number(totals[name]), meta) for word, name, meta in words]


def _chart(
    renderer: Renderer,
    days: list[dict[str, Any]],
    first: date,
    last: date,
    totals: Mapping[str, int],
    *,
    is_wide: bool,
) -> Markup:
    known = {day["day"]: day for day in days}
    span = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    asked = [(day, Decimal(known[day]["requests"] if day in known else 0)) for day in span]
    wrong = [
        (day, Decimal(sum(known[day][n] for n in ("client_errors", "server_errors", "limited")) if day in known else 0))
        for day in span
    ]
    label = _(
        "%(count)s requests from %(first)s to %(last)s",
        count=renderer.number(totals["requests"]),
        first=renderer.day(first),
        last=renderer.day(last),
    )
    names = (_("Requests"), _("Without success"))
    width, height = WIDE if is_wide else NARROW
    return line_chart([asked, wrong], label=label, names=names, width=width, height=height, renderer=renderer)


def revoke_key(context: Context, row_id: int) -> ResponseReturnValue:
    """Ask before a key is revoked, or do it."""
    row = get_row(context, API_KEYS, row_id)
    if request.method == "POST":
        revoke_api_key(context, row_id)
        toast(_("%(name)s was revoked", name=row["name"]))
        return go(url_for("keys.index"))
    words = _("Whatever uses this key stops working at once. This cannot be taken back.")
    return confirm_page(_("Revoke %(name)s", name=row["name"]), _("Revoke"), "keys.index", words)


route(keys, "/settings/api-keys", "index", list_keys, API_KEYS.read_permission)
route(keys, "/settings/api-keys/new", "create", new_key, API_KEYS.write_permission, "POST")
route(keys, "/settings/api-keys/<int:row_id>", "show", show_key, API_KEYS.read_permission)
route(keys, "/settings/api-keys/<int:row_id>/revoke", "revoke", revoke_key, API_KEYS.write_permission, "POST")
add_link(
    Link(
        endpoint="keys.index",
        label=_l("API keys"),
        icon="key",
        group=SETTINGS,
        permission=API_KEYS.read_permission,
        order=30,
    )
)
