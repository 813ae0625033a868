"""The settings' pages of webhooks: the list, one with its messages, its form, its secret shown once."""

from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from marshmallow import RAISE

from webapp.accounts.setting_frame import route, settings_page
from webapp.core.access import can
from webapp.core.context import Context
from webapp.core.errors import Invalid
from webapp.core.parameters import ListParameters
from webapp.core.query import get_row, list_rows
from webapp.core.writes import delete, update
from webapp.faces.forms import ResourceForm, form_for
from webapp.faces.navigation import SETTINGS, Link, add_link
from webapp.faces.rendering import Renderer
from webapp.faces.surface import go, in_dialog, is_fragment, number_in, once, toast
from webapp.webhooks import presenting, rules
from webapp.webhooks.models import DELIVERY_STATES
from webapp.webhooks.resources import WEBHOOKS
from webapp.webhooks.wording import DELIVERY_STATES as STATE_WORDS

FORM_FIELDS = ("name", "url", "events", "filter")
PER_PAGE, MOST_ROWS = 25, 1_000
blueprint = Blueprint("webhooks", __name__, url_prefix="/webhooks")


def _crumbs(*more: tuple[str, str | None]) -> list[tuple[str, str | None]]:
    return [(_("Webhooks"), url_for("webhooks.index")), *more]


def index(context: Context) -> ResponseReturnValue:
    """Show the webhooks, with how they fare."""
    found = list_rows(context, WEBHOOKS, ListParameters(sort=(("name", False),), per_page=MOST_ROWS))
    renderer = Renderer(context)
    return settings_page(
        "webhooks/index.html",
        _("Webhooks"),
        rows=[presenting.webhook_line(renderer, row) for row in found.rows],
        may_write=_may_write(context),
    )


def _may_write(context: Context) -> bool:
    return can(context.actor, WEBHOOKS.write_permission) and context.actor.scope_location_id is None


def create(context: Context) -> ResponseReturnValue:
    """Make a webhook and show its secret once; the same form sent twice makes one."""
    rules.see_everything(context)
    form = _form(context)
    if request.method == "GET":
        return _form_page(form, _("New webhook"), url_for("webhooks.index"))
    context, done = once(context, form.nonce.data or "")
    if done:
        return go(url_for("webhooks.index"))
    loaded = form.load(WEBHOOKS.schema(unknown=RAISE), _patch(form))
    if loaded is not None:
        try:
            row_id, secret = rules.create_webhook(context, WEBHOOKS, loaded)
            return _detail(context, row_id, secret=secret)
        except Invalid as error:
            form.refuse(error)
    return _form_page(form, _("New webhook"), url_for("webhooks.index")), 422


def edit(context: Context, row_id: int) -> ResponseReturnValue:
    """Change where a webhook sends what."""
    rules.see_everything(context)
    row = get_row(context, WEBHOOKS, row_id)
    form, back = _form(context, row), url_for("webhooks.detail", row_id=row_id)
    title = _("Change %(name)s", name=row["name"])
    if request.method == "GET":
        return _form_page(form, title, back)
    loaded = form.load(WEBHOOKS.schema(unknown=RAISE, partial=True), _patch(form))
    if loaded is not None:
        try:
            update(context, WEBHOOKS, row_id, loaded)
            toast(_("%(name)s was changed", name=loaded.get("name", row["name"])))
            return go(back)
        except Invalid as error:
            form.refuse(error)
    return _form_page(form, title, back), 422


def _form(context: Context, row: dict[str, Any] | None = None) -> ResourceForm:
    posted = request.form if request.method == "POST" else None
    return form_for(context, WEBHOOKS, row=row, posted=posted, names=FORM_FIELDS)


def _patch(form: ResourceForm) -> dict[str, Any]:
    patch = form.patch(request.form)
    return patch | ({"filter": presenting.filter_from(patch["filter"])} if "filter" in patch else {})


def _form_page(form: ResourceForm, title: str, back: str) -> str:
    groups = presenting.event_groups(form["events"].data or [])
    is_all = "*" in (form["events"].data or [])
    return settings_page(
        "webhooks/form.html", title, form=form, groups=groups, is_all=is_all, back=back, crumbs=_crumbs((title, None))
    )


def detail(context: Context, row_id: int) -> ResponseReturnValue:
    """Show a webhook with its messages, the newest first."""
    return _detail(context, row_id)


def _detail(context: Context, row_id: int, *, secret: str = "") -> str:
    row, renderer = get_row(context, WEBHOOKS, row_id), Renderer(context)
    may_write = _may_write(context)
    state = request.args.get("state") if request.args.get("state") in DELIVERY_STATES else None
    before = number_in(request.args, "before")
    found = (
        rules.list_deliveries(context, row_id, state=state, before_id=before, limit=PER_PAGE + 1) if may_write else []
    )
    shown = found[:PER_PAGE]
    here = url_for("webhooks.detail", row_id=row_id)
    older = url_for("webhooks.detail", row_id=row_id, state=state, before=shown[-1]["id"]) if found[PER_PAGE:] else None
    tabs = [{"label": _("All"), "url": here, "current": state is None}]
    tabs += [
        {
            "label": STATE_WORDS[name],
            "url": url_for("webhooks.detail", row_id=row_id, state=name),
            "current": state == name,
        }
        for name in DELIVERY_STATES
    ]
    return settings_page(
        "webhooks/detail.html",
        row["name"],
        row=row,
        state=presenting.state_of(row),
        notice=presenting.notice_of(renderer, row),
        facts=_facts(context, renderer, row),
        chips=presenting.filter_chips(context, row),
        rows=[presenting.delivery_line(renderer, row, one) for one in shown],
        tabs=tabs,
        older_url=older,
        newest_url=url_for("webhooks.detail", row_id=row_id, state=state) if before else None,
        may_write=may_write,
        secret=secret,
        crumbs=_crumbs((row["name"], None)),
    )


def _facts(context: Context, renderer: Renderer, row: dict[str, Any]) -> list[tuple[str, Any]]:
    pairs: list[tuple[str, Any]] = [
        (_("Address"), row["url"]),
        (_("Events"), presenting.event_words(row["events"])),
        (_("Last delivery"), renderer.moment(row["last_delivered_at"]) if row["last_delivered_at"] else _("never")),
        (_("Made"), renderer.moment(row["created_at"])),
    ]
    if row["created_by"]:
        pairs.append((_("Made by"), row["created_by"]))
    if row["previous_until"] and row["previous_until"] > context.at:
        pairs.append((_("Old secret signs until"), renderer.moment(row["previous_until"])))
    return pairs


def delivery(context: Context, row_id: int, delivery_id: int) -> ResponseReturnValue:
    """Show a message: what it says, what was answered; one that is being sent asks again until it is done."""
    row = rules.get_delivery(context, row_id, delivery_id)
    hook, renderer = get_row(context, WEBHOOKS, row_id), Renderer(context)
    line = presenting.delivery_line(renderer, hook, row)
    values = {
        "hook": hook,
        "line": line,
        "facts": presenting.delivery_facts(renderer, hook, row),
        "is_sending": row["by_hand"],
        "payload": presenting.pretty(row["payload"]),
        "answer": presenting.pretty(row["answer"]),
        "may_send": _may_write(context)
        and row["payload"] is not None
        and (row["state"] != "waiting" or hook["is_active"]),
        "is_waiting": row["state"] == "waiting",
    }
    if is_fragment("delivery"):
        return render_template("webhooks/_delivery.html", **values)
    back = url_for("webhooks.detail", row_id=row_id)
    crumbs = _crumbs((hook["name"], back), (row["event"], None))
    return settings_page("webhooks/delivery.html", row["event"], crumbs=crumbs, **values)


def send_again(context: Context, row_id: int, delivery_id: int) -> ResponseReturnValue:
    """Send a message once more."""
    rules.send_again(context, row_id, delivery_id)
    return go(url_for("webhooks.delivery", row_id=row_id, delivery_id=delivery_id))


def test(context: Context, row_id: int) -> ResponseReturnValue:
    """Send a test and go where its answer shows."""
    made = rules.send_test(context, row_id)
    return go(url_for("webhooks.delivery", row_id=row_id, delivery_id=made))


def rotate(context: Context, row_id: int) -> ResponseReturnValue:
    """Ask before the secret is changed, or change it and show the new one once."""
    row = rules.get_webhook(context, row_id)
    if request.method == "POST":
        return _detail(context, row_id, secret=rules.rotate_secret(context, row_id))
    words = _("A new secret is made and shown once. For 24 hours messages carry signatures by both.")
    title = _("Rotate the secret of %(name)s", name=row.name)
    return _confirm(title, _("Rotate"), url_for("webhooks.detail", row_id=row_id), words, whole_page=True)


def enable(context: Context, row_id: int) -> ResponseReturnValue:
    """Ask what becomes of what was missed, or switch a webhook on."""
    row = rules.get_webhook(context, row_id)
    back = url_for("webhooks.detail", row_id=row_id)
    if request.method == "POST":
        rules.enable(context, row_id, from_now=request.form.get("start") == "now")
        toast(_("%(name)s was switched on", name=row.name))
        return go(back)
    title = _("Switch %(name)s on", name=row.name)
    return render_template(
        "webhooks/enable.html", title=title, back=back, in_dialog=in_dialog(), crumbs=_crumbs((title, None))
    )


def disable(context: Context, row_id: int) -> ResponseReturnValue:
    """Switch a webhook off."""
    rules.disable_by_hand(context, row_id)
    toast(_("The webhook was switched off"))
    return go(url_for("webhooks.detail", row_id=row_id))


def remove(context: Context, row_id: int) -> ResponseReturnValue:
    """Ask before a webhook is deleted, or delete it."""
    row = rules.get_webhook(context, row_id)
    if request.method == "POST":
        delete(context, WEBHOOKS, row_id)
        toast(_("%(name)s was deleted", name=row.name))
        return go(url_for("webhooks.index"))
    words = _("Its receiver is told of nothing any more. This cannot be taken back.")
    return _confirm(_("Delete %(name)s", name=row.name), _("Delete"), url_for("webhooks.detail", row_id=row_id), words)


def _confirm(title: str, verb: str, back: str, words: str, *, whole_page: bool = False) -> str:
    return render_template(
        "resource/confirm.html",
        title=title,
        crumbs=_crumbs((title, None)),
        action=request.path,
        cancel_url=back,
        verb=verb,
        rows=[],
        more=0,
        words=words,
        problem="",
        blockers=[],
        hidden=[],
        in_dialog=in_dialog() and not whole_page,
    )


READ, WRITE, ONE = WEBHOOKS.read_permission, WEBHOOKS.write_permission, "/<int(max=9223372036854775807):row_id>"
MESSAGE = f"{ONE}/deliveries/<int(max=9223372036854775807):delivery_id>"
for rule, endpoint, view, permission, methods in (
    ("", "index", index, READ, ("GET",)),
    ("/new", "create", create, WRITE, ("GET", "POST")),
    (ONE, "detail", detail, READ, ("GET",)),
    (f"{ONE}/edit", "edit", edit, WRITE, ("GET", "POST")),
    (f"{ONE}/test", "test", test, WRITE, ("POST",)),
    (f"{ONE}/rotate-secret", "rotate", rotate, WRITE, ("GET", "POST")),
    (f"{ONE}/enable", "enable", enable, WRITE, ("GET", "POST")),
    (f"{ONE}/disable", "disable", disable, WRITE, ("POST",)),
    (f"{ONE}/delete", "delete", remove, WRITE, ("GET", "POST")),
    (MESSAGE, "delivery", delivery, READ, ("GET",)),
    (f"{MESSAGE}/send", "send", send_again, WRITE, ("POST",)),
):
    route(blueprint, rule, endpoint, view, permission, only=methods)
add_link(
    Link(
        endpoint="webhooks.index",
        label=_l("Webhooks"),
        icon="webhook",
        group=SETTINGS,
        permission=WEBHOOKS.read_permission,
        order=40,
    )
)
