"""What an organization may choose from: currencies, time zones, languages, and the faces of a key."""

from functools import cache
from typing import Any
from zoneinfo import available_timezones

from babel import Locale
from babel.core import get_global
from flask_babel import get_locale
from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

DIALECTS = {"native": _l("Native")}
LOCALES = (
    *("en_GB", "en_US", "en_AU", "en_CA", "en_IE", "en_IN", "en_NZ", "en_ZA", "en"),
    *("de", "de_AT", "de_CH", "de_LI", "de_LU"),
    *("es", "es_AR", "es_CL", "es_CO", "es_MX", "es_PE", "es_US", "es_UY"),
)
THEMES = {"system": _l("As the device"), "light": _l("Light"), "dark": _l("Dark")}
COMMON_CURRENCIES = ("EUR", "USD", "GBP", "CHF")


@cache
def currencies() -> dict[str, Any]:
    """Return {code: "EUR, Euro"} of the currencies in use somewhere today, the common ones first.

    The words are lazy: each reader gets them in the language of the page.
    """
    names = Locale("en").currencies
    used = {
        code
        for money in get_global("territory_currencies").values()
        for code, _since, until, is_tender in money
        if until is None and is_tender and code in names
    }
    return {code: LazyString(_called, code) for code in dict.fromkeys((*COMMON_CURRENCIES, *sorted(used)))}


def _called(code: str) -> str:
    names = (get_locale() or Locale("en")).currencies
    return f"{code}, {names.get(code, code)}"


@cache
def timezones() -> dict[str, str]:
    """Return {name: name} of the time zones that people choose from, UTC first."""
    places = sorted(
        name for name in available_timezones() if "/" in name and not name.startswith(("Etc/", "posix", "right"))
    )
    return {name: name.replace("_", " ") for name in ("UTC", *places)}


@cache
def locales() -> dict[str, str]:
    """Return {code: "Deutsch (Österreich)"} of the languages that the interface speaks, each in its own words."""
    names = {code: Locale.parse(code).get_display_name(code) or code for code in LOCALES}
    return {code: name[:1].upper() + name[1:] for code, name in names.items()}
