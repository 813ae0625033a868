"""How an organization numbers its assets, and whether serial numbers are unique: rules of its own row."""

import re
from datetime import timedelta

from flask_babel import gettext as _
from flask_babel import ngettext

from webapp.accounts.founding import TAG_SERIES, record_change
from webapp.accounts.uniqueness import empty_switched, fill_switched, shared_values
from webapp.core.context import Context
from webapp.core.jobs import enqueue
from webapp.core.numbers import next_number
from webapp.core.resource import registry
from webapp.core.writes import Change, Draft, Facts

PATTERN = re.compile(r"[^%\x00-\x1f]*%0(?:[1-9]|1[0-2])d[^%\x00-\x1f]*")
LONGEST_PATTERN = 40
UNIQUE_SERIAL = "unique_serial"
ONCE_MORE = timedelta(minutes=1)
NAMED = 5


def is_pattern(text: str) -> bool:
    """Tell whether a text counts: exactly one number such as `%04d`."""
    return len(text) <= LONGEST_PATTERN and PATTERN.fullmatch(text) is not None


def plan_organization(draft: Draft, facts: Facts) -> None:
    """Say what an organization will be: its tags count up, and its serial numbers are unique once nothing is shared."""
    pattern = draft["asset_tag_pattern"]
    if pattern and draft.changed("asset_tag_pattern") and not is_pattern(pattern):
        draft.fail("asset_tag_pattern", _("Write one number, such as %04d in KFR-%04d, and no other per cent sign."))
    if draft.changed(UNIQUE_SERIAL) and draft[UNIQUE_SERIAL]:
        found = shared_values(facts.context, UNIQUE_SERIAL)
        if found:
            named = ", ".join(f"{shared.value} ({shared.count})" for shared in found[:NAMED])
            words = ngettext("%(num)s is used more than once: ", "%(num)s are used more than once: ", len(found))
            draft.fail(UNIQUE_SERIAL, words + named + ("…" if len(found) > NAMED else ""))


def settle_organization(context: Context, changes: list[Change]) -> None:
    """Write the history, and let what is compared follow the rule of serial numbers.

    Requests that began before this one ends may write assets by the old rule: a job fills what they leave.
    """
    record_change(context, changes)
    for change in changes:
        if change.before is None or change.before[UNIQUE_SERIAL] == change.after[UNIQUE_SERIAL]:
            continue
        if change.after[UNIQUE_SERIAL]:
            fill_switched(context, UNIQUE_SERIAL)
            enqueue(context, "fill_unique", {"setting": UNIQUE_SERIAL}, run_at=context.at + ONCE_MORE)
        else:
            empty_switched(context, UNIQUE_SERIAL)


def next_tag(context: Context) -> str | None:
    """Return the tag that the next asset without one would get, None while nothing is numbered."""
    rules = [r.numbering for r in registry.resources.values() if r.numbering and r.numbering.series == TAG_SERIES]
    if not rules:
        return None
    pattern = context.tenant.settings.get(f"{TAG_SERIES}_pattern") or rules[0].pattern
    return str(pattern % next_number(context.session, TAG_SERIES))
