"""The words for a webhook's state, why it was switched off, and what became of a message."""

from flask_babel import lazy_gettext as _l

STATES = {"ok": _l("Delivers"), "failing": _l("Failing"), "disabled": _l("Off")}
REASONS = {
    "gone": _l("The receiver said that it is gone (410)."),
    "unreachable": _l("The receiver has not taken a message for three days."),
    "filter": _l("Its filter no longer means anything: a field or a value of it is gone."),
    "secret": _l("Its secret cannot be read, as after a restore elsewhere: rotate it."),
}
DELIVERY_STATES = {
    "waiting": _l("Waiting"),
    "delivered": _l("Delivered"),
    "failed": _l("Failed"),
    "dropped": _l("Left out"),
}


def reason_words(reason: str | None) -> str:
    """Return why a webhook was switched off, in the reader's language."""
    return str(REASONS.get(reason or "", _l("Somebody switched it off.")))
