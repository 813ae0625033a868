"""Values as people read them: escaped markup a kind of field, in the reader's language, zone and currency."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_skeleton, format_time
from babel.numbers import format_currency, format_decimal, format_percent
from flask import url_for
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup, escape

from webapp.core.access import can
from webapp.core.context import Context
from webapp.core.fields import FaceField, Name
from webapp.core.resource import Resource, registry
from webapp.faces.icons import icon

Row = Mapping[str, Any]
Labels = Mapping[str, Mapping[int, Mapping[str, Any]]]
Cell = Callable[[Row], str]
NOTHING = Markup('<span class="text-secondary">—</span>')
RIGHT = frozenset({"whole", "amount", "number"})
REPEATED = frozenset({"choice", "flag", "day"})

# a lifecycle is never a color alone: icon and tone, whatever the organization calls it
STATES = {
    "active": ("circle-check", "green"),
    "idle": ("circle-dashed", "gray"),
    "in_maintenance": ("tool", "amber"),
    "pending_install": ("package", "blue"),
    "in_transit": ("truck", "violet"),
    "lost": ("map-pin-question", "red"),
    "non_compliant": ("alert-triangle", "red"),
    "retired": ("archive", "gray"),
    "decommissioned": ("plug-connected-x", "gray"),
}
FACES = {
    "page": _l("in the browser"),
    "api": _l("through the API"),
    "job": _l("by a job"),
    "cli": _l("on the command line"),
    "system": _l("by itself"),
}
TONES = ("blue", "violet", "green", "amber", "red")


def state_of(lifecycle: str) -> tuple[str, str]:
    """Return (icon, tone) of a lifecycle."""
    return STATES.get(lifecycle.lower().replace("-", "_").replace(" ", "_"), ("circle-dashed", "gray"))


def state(word: object, lifecycle: str, *, pill: bool = False) -> Markup:
    """Return a state as shape, color and word: quiet in tables, tinted (`pill`) in page headers."""
    name, tone = state_of(lifecycle)
    form = "qm-pill" if pill else "qm-state"
    return Markup(f'<span class="{form} qm-{tone}">{icon(name)}{escape(word)}</span>')  # noqa: S704 escaped just here


def within_sentence(word: object) -> str:
    """Return the name of a kind of thing as it stands within a sentence: small, but for abbreviations and German."""
    language = get_locale()
    text = str(word)
    keeps = text[1:2].isupper() or (language is not None and language.language == "de")
    return text if keeps else text[:1].lower() + text[1:]


def tone_of(key: int | str) -> str:
    """Return one of five tones by a thing's id, always the same one."""
    return TONES[sum(str(key).encode()) % len(TONES)]


def initials_of(name: str) -> str:
    """Return the first letters of the first and the last word of a name."""
    words = name.split()
    return "".join(word[0] for word in words[:1] + words[1:][-1:]).upper() or "?"


# the cached formats go by the locale's name: a Locale takes longer to compare than most of them to make
@lru_cache(maxsize=20_000)
def _money(value: Decimal, currency: str, locale: str) -> str:
    exact = max(2, -int(value.normalize().as_tuple().exponent)) if value % 1 else 2
    return format_currency(value, currency, locale=locale, currency_digits=exact == 2, decimal_quantization=False)


@lru_cache(maxsize=20_000)
def _day(value: date, locale: str, year: int) -> str:
    return str(format_skeleton("MMMEd" if value.year == year else "yMMMd", value, locale=locale))


@lru_cache(maxsize=20_000)
def _number(value: int | Decimal, locale: str) -> str:
    return format_decimal(value, locale=locale, decimal_quantization=False)


@lru_cache(maxsize=20_000)
def _time(value: time, locale: str) -> str:
    return format_time(value, "short", locale=locale)


class Renderer:
    """Renders values for one reader: made once a request, asked once a cell."""

    def __init__(self, context: Context, labels: Labels | None = None) -> None:
        self.context = context
        self.labels = labels or {}
        self.locale = get_locale() or Locale.parse("en")
        self.language = str(self.locale)
        self.zone = ZoneInfo(context.actor.timezone or context.tenant.timezone)
        self.year = context.today.year
        self._places: dict[str, str | None] = {}

    def money(self, value: Decimal, currency: str | None = None) -> str:
        """Return an amount with its currency, all its decimals and never fewer than two."""
        return _money(value, currency or self.context.tenant.currency, self.language)

    def number(self, value: int | Decimal) -> str:
        """Return a number with the reader's separators."""
        return _number(value, self.language)

    def share(self, part: int | Decimal, whole: int | Decimal) -> str:
        """Return how much of a whole a part is, in whole per cent rounded down, as the language writes it."""
        return format_percent(Decimal(part * 100 // whole if whole else 0) / 100, locale=self.locale)

    def day(self, value: date) -> str:
        """Return `Tue 24 Nov` within this year, `3 Feb 2027` beyond it."""
        return _day(value, self.language, self.year)

    def moment(self, value: datetime) -> str:
        """Return day and time in the reader's zone."""
        local = value.astimezone(self.zone)
        return f"{_day(local.date(), self.language, self.year)}, {self.time(value)}"

    def time(self, value: datetime) -> str:
        """Return the time of day in the reader's zone."""
        local = value.astimezone(self.zone)
        return _time(time(local.hour, local.minute), self.language)

    def long_day(self, value: datetime) -> str:
        """Return the day of a moment with all its words, as a heading."""
        return format_date(value.astimezone(self.zone).date(), "full", locale=self.locale)

    def _stamp(self, value: datetime) -> str:
        exact = value.astimezone(UTC).isoformat(timespec="seconds")
        return f'<time datetime="{exact}">{escape(self.moment(value))}</time>'

    def place_of(self, kind: str) -> str | None:
        """Return the path under which a kind's things are, None when the reader may not open them."""
        if kind not in self._places:
            target = registry.resources.get(kind)
            shown = target and "get" in target.pages and can(self.context.actor, target.read_permission)
            self._places[kind] = url_for(f"{kind}.index") if shown else None
        return self._places[kind]

    def reference(self, kind: str, row_id: int | None, label: str | None) -> Markup:
        """Return a referenced thing: its name as a link, with its state when it is one."""
        known = self.labels.get(kind, {}).get(row_id or 0)
        label = label if label is not None else str(known["label"]) if known else None
        if row_id is None or label is None:
            return NOTHING
        if known and known.get("lifecycle"):
            return state(label, str(known["lifecycle"]))
        place = self.place_of(kind)
        return Markup(f'<a href="{place}/{row_id}">{escape(label)}</a>') if place else escape(label)  # noqa: S704 escaped

    def value(self, resource: Resource, name: str, row: Row) -> Markup:
        """Return one value of a row."""
        return Markup(self.cell(resource, name)(row))  # noqa: S704 every cell escapes

    def plain(self, resource: Resource, name: str, value: Any) -> str:
        """Return a value as text without markup, for diffs, chips and conflicts."""
        item = resource.fields[name]
        if value is None or value == "":
            return ""
        if item.kind == "reference":
            known = self.labels.get(str(item.target), {}).get(int(value))
            return str(known["label"]) if known else f"#{value}"
        if isinstance(value, str):
            value = _revived(item.kind, value)
        if item.kind in {"longtext", "text", "name"}:
            return str(value)
        return str(Markup(self.cell(resource, name)({name: value})).striptags())  # noqa: S704 stripped again at once

    def cell(self, resource: Resource, name: str) -> Cell:
        """Return the function that renders one column's cells, with everything looked up that does not change."""
        item = resource.fields[name]
        draw = self._drawing(resource, item, name)
        if name in (resource.label, resource.subtitle) and "get" in resource.pages:
            form = "qm-tag" if resource.subtitle and name == resource.label else "qm-key qm-clip"
            place = escape(url_for(f"{resource.name}.index"))
            return lambda row: f'<a class="{form}" href="{place}/{row.get("id", "")}">{draw(row)}</a>'
        if item.mono and item.kind == "text":
            return lambda row: f'<span class="qm-mono">{draw(row)}</span>' if row.get(name) else NOTHING
        return draw

    def _drawing(self, resource: Resource, item: FaceField, name: str) -> Cell:
        if isinstance(item, Name):
            return self._referring(str(resource.fields[item.of].target), item.of, name)
        if item.kind == "reference":
            return self._referring(str(item.target), name, "")
        drawn = self._by_kind(item)
        if item.kind in REPEATED:  # few values in many rows
            known: dict[Any, str] = {None: NOTHING, "": NOTHING}

            def repeated(row: Row) -> str:
                value = row.get(name)
                found = known.get(value)
                if found is None:
                    found = known[value] = drawn(value, row)
                return found

            return repeated

        def cell(row: Row) -> str:
            value = row.get(name)
            return NOTHING if value is None or value == "" else drawn(value, row)

        return cell

    def _referring(self, kind: str, column: str, name: str) -> Cell:
        known: dict[tuple[int | None, str | None], Markup] = {}

        def cell(row: Row) -> str:
            key = row.get(column), row.get(name)
            found = known.get(key)
            if found is None:
                found = known[key] = self.reference(kind, *key)
            return found

        return cell

    def _by_kind(self, item: FaceField) -> Callable[[Any, Row], str]:
        words: Mapping[Any, Any] = item.words(self.context)
        gap = "" if item.suffix == "°" else " "
        suffix = escape(f"{gap}{item.suffix}") if item.suffix else ""
        if item.kind == "choice" and words.keys() & STATES.keys():
            return lambda value, _row: state(words.get(value, value), value)
        draw: dict[str, Callable[[Any, Row], str]] = {
            "amount": lambda value, row: escape(self.money(value, row.get("currency"))),
            "whole": lambda value, _row: escape(self.number(value)) + suffix,
            "number": lambda value, _row: escape(self.number(value)) + suffix,
            "url": lambda value, _row: Markup('<a href="{0}" rel="noreferrer noopener">{0}</a>').format(value),
            "day": lambda value, _row: escape(self.day(value)),
            "moment": lambda value, _row: self._stamp(value),
            "flag": lambda value, _row: escape(_("Yes") if value else _("No")),
            "choice": lambda value, _row: escape(words.get(value, value)),
            "codes": lambda value, _row: escape(", ".join(str(words.get(code, code)) for code in value)),
        }
        if suffix:
            return draw.get(item.kind, lambda value, _row: escape(value) + suffix)
        return draw.get(item.kind, lambda value, _row: escape(value))


def _revived(kind: str, value: str) -> Any:
    """Return a value of the log, where amounts and times are text, as what it was."""
    if kind in {"amount", "number"}:
        return Decimal(value)
    if kind == "day":
        return date.fromisoformat(value)
    if kind == "moment":
        return datetime.fromisoformat(value)
    return value


def join(cells: Iterable[str]) -> Markup:
    """Return markup from parts that are markup already."""
    return Markup("".join(cells))  # noqa: S704 every part has been escaped by its renderer
