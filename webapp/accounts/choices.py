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
# The languages that the interface speaks, each in its own words; Babel would read 4 MB of data to say them.
LOCALES = {
    "en_GB": "English (United Kingdom)",
    "en_US": "English (United States)",
    "en_AU": "English (Australia)",
    "en_CA": "English (Canada)",
    "en_IE": "English (Ireland)",
    "en_IN": "English (India)",
    "en_NZ": "English (New Zealand)",
    "en_ZA": "English (South Africa)",
    "en": "English",
    "de": "Deutsch",
    "de_AT": "Deutsch (Österreich)",
    "de_CH": "Deutsch (Schweiz)",
    "de_LI": "Deutsch (Liechtenstein)",
    "de_LU": "Deutsch (Luxemburg)",
    "es": "Español",
    "es_AR": "Español (Argentina)",
    "es_CL": "Español (Chile)",
    "es_CO": "Español (Colombia)",
    "es_MX": "Español (México)",
    "es_PE": "Español (Perú)",
    "es_US": "Español (Estados Unidos)",
    "es_UY": "Español (Uruguay)",
}
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
