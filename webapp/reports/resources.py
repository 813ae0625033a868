"""The declaration of exports, and what other pages show of them."""

from typing import Any

from flask_babel import lazy_gettext as _l
from marshmallow import RAISE, Schema

from webapp.accounts.resources import RESOURCES as OF_ACCOUNTS
from webapp.assets.resources import RESOURCES as OF_ASSETS
from webapp.catalog.resources import RESOURCES as OF_CATALOG
from webapp.core.access import MANAGERS
from webapp.core.fields import Choice, Codes, Derived, Moment, SoftDeletedSchema, Text, Whole
from webapp.core.resource import Action, Menu, Panel, Resource
from webapp.people.resources import RESOURCES as OF_PEOPLE
from webapp.places.resources import RESOURCES as OF_PLACES
from webapp.reports.models import Export
from webapp.reports.presenting import DAYS, STATES, runs_panel, schedule_words
from webapp.reports.rules import READ, WRITE, plan_export, run_now, settle_exports, visible

LISTS = {
    resource.name: resource.title
    for resource in (*OF_ASSETS, *OF_PLACES, *OF_PEOPLE, *OF_CATALOG, *OF_ACCOUNTS)
    if "list" in resource.api
}
FORMATS = {"csv": _l("CSV"), "xlsx": _l("Excel workbook"), "jsonl": _l("JSON lines")}
SCHEDULES = {
    "none": _l("Once, now"),
    "daily": _l("Every day"),
    "weekly": _l("Every week"),
    "monthly": _l("Every month"),
}
WHAT, WHEN, WHO = _l("What"), _l("When"), _l("To whom")


def _when(context: Any, row: Any) -> str:
    return schedule_words(row)


class ExportSchema(SoftDeletedSchema):
    """A list that is written into a file, once or again and again."""

    name = Text(required=True, key="name_key", label=_l("Name"), group=WHAT)
    resource = Choice(LISTS, required=True, label=_l("List"), group=WHAT)
    format = Choice(FORMATS, load_default="csv", nullable=False, label=_l("Format"), group=WHAT)
    query = Text(
        max=8000,
        multiline=True,
        label=_l("Filter and order"),
        group=WHAT,
        help=_l("What stands behind the ? of the list's address; empty means the whole list."),
    )
    fields = Codes(  # type: ignore[assignment] # marshmallow takes declared fields out of the class
        load_default=list,
        nullable=False,
        label=_l("Columns"),
        group=WHAT,
        help=_l("One name a line; empty means all of them."),
    )
    schedule = Choice(SCHEDULES, load_default="none", nullable=False, label=_l("How often"), group=WHEN)
    weekday = Choice(DAYS, label=_l("Day of the week"), group=WHEN, help=_l("For every week"))
    month_day = Whole(
        min=1, max=31, label=_l("Day of the month"), group=WHEN, help=_l("For every month; 31 is always its last day")
    )
    hour = Whole(
        max=23,
        load_default=6,
        nullable=False,
        label=_l("Hour"),
        group=WHEN,
        help=_l("0 to 23, in the organisation's zone"),
    )
    format.needed = schedule.needed = hour.needed = True  # noqa: A003 the words of the API; forms have their defaults
    receivers = Codes(
        load_default=list,
        nullable=False,
        label=_l("E-mail addresses"),
        group=WHO,
        help=_l("One a line, at most 20; each gets the file, or a link to it when it is over 10 MB."),
    )
    when = Derived(Text(), needs=("schedule", "weekday", "month_day", "hour"), compute=_when, label=_l("When"))
    next_run_at = Moment(dump_only=True, label=_l("Next time"))
    last_run_at = Moment(dump_only=True, label=_l("Last time"))
    last_state = Choice(STATES, dump_only=True, label=_l("Last result"))
    last_rows = Whole(dump_only=True, label=_l("Rows"))
    last_error = Text(dump_only=True, label=_l("What went wrong"))
    job_id = Whole(dump_only=True, label=_l("Job"))


class RunSchema(Schema):
    """Running an export takes no words."""

    class Meta:
        """Unknown keys are errors."""

        unknown = RAISE


RUN = Action(
    name="run",
    label=_l("Run now"),
    icon="player-play",
    schema=RunSchema,
    rule=run_now,
    permission=WRITE,
    bulk=False,
    words=_l("The file is made in the background, with the rights of whoever saved the export, and mailed as always."),
    done=_l("%(name)s is being made"),
)
EXPORTS = Resource(
    name="exports",
    model=Export,
    schema=ExportSchema,
    title=_l("Exports"),
    singular=_l("Export"),
    icon="file-export",
    menu=Menu(label=_l("Exports"), group=_l("Organisation"), icon="file-export", order=401),
    columns=("name", "when", "last_state", "next_run_at", "receivers", "resource", "last_run_at"),
    filters=("resource", "schedule", "last_state", "format"),
    search=("name",),
    belongs=visible,
    plan=plan_export,
    settle=settle_exports,
    actions=(RUN,),
    read_roles=MANAGERS | {"technician", "auditor"},
    write_roles=MANAGERS,
)
PANELS = (
    Panel(
        resource="exports",
        slot="aside",
        title=_l("Files"),
        query=runs_panel,
        template="exports/_runs.html",
        permission=READ,
        order=10,
    ),
)
RESOURCES = (EXPORTS,)
