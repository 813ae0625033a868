"""Charts that the server draws: SVG with classes, one sentence for who does not see it, nothing inline."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_CEILING, Decimal

from babel import Locale
from babel.dates import format_skeleton
from babel.numbers import (
    format_compact_currency,
    format_compact_decimal,
    format_currency,
    format_decimal,
    parse_pattern,
)
from flask_babel import get_locale
from markupsafe import Markup, escape

from webapp.faces.rendering import Renderer

Point = tuple[date, Decimal]
Series = Sequence[Point]

# distances from the edges: room for what stands beside the axes
TOP, RIGHT_EDGE, FOOT, AXIS_GAP, LETTER = 11, 12, 24, 8, 7
TICKS = 4
MONTH_LABELS, YEAR_LABELS = 6, 8
LONG = re.compile(r"\d{5}")
STEPS = (Decimal(1), Decimal(2), Decimal("2.5"), Decimal(5), Decimal(10))


@dataclass(frozen=True)
class _Frame:
    """Where days and values come to lie in a drawing."""

    left: float
    right: float
    bottom: float
    first: date
    last: date
    top_value: Decimal

    def x(self, day: date) -> float:
        """Return how far right a day lies."""
        share = (day - self.first).days / max(1, (self.last - self.first).days)
        return self.left + AXIS_GAP + share * (self.right - self.left - AXIS_GAP)

    def y(self, value: Decimal) -> float:
        """Return how far down a value lies."""
        return self.bottom - float(value / self.top_value) * (self.bottom - TOP)

    def path(self, series: Series) -> str:
        """Return a line through points, as the `d` of a path."""
        points = " ".join(f"{_n(self.x(day))} {_n(self.y(value))}" for day, value in series)
        return f"M{points}"


def line_chart(
    series: Sequence[Series],
    *,
    label: str,
    names: Sequence[str] | None = None,
    width: int = 640,
    height: int = 200,
    renderer: Renderer | None = None,
    currency: str | None = None,
    mark: tuple[date, str] | None = None,
) -> Markup:
    """Return lines over time: the first one full over its area, a second one dashed, a dot where the first one ends.

    `label` is the sentence for who does not see it; `names` draws a legend above; `mark` is a day and its word, the dot
    then sits there. Values are in `currency` when it is given; none of them may be below zero.
    """
    shown = [list(points) for points in series[:2] if points]
    if not shown:
        return Markup()
    locale = renderer.locale if renderer else get_locale() or Locale.parse("en")
    ticks = ticks_up_to(max(value for points in shown for _day, value in points))
    words = [_axis_word(tick, ticks[-1], locale, currency) for tick in ticks]
    days = [day for points in shown for day, _value in points]
    left = max(len(word) for word in words) * LETTER + AXIS_GAP
    frame = _Frame(left, width - RIGHT_EDGE, height - FOOT, min(days), max(days), ticks[-1])
    parts = [_grid(frame, tick, word) for tick, word in zip(ticks, words, strict=True)]
    parts += [_lines(frame, shown), _mark(frame, shown[0], mark), *_day_words(frame, locale)]
    drawing = Markup('<svg class="qm-chart" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        width, height, label, Markup().join(parts)
    )
    return Markup('<div class="d-flex gap-3 mb-2">{}</div>{}').format(legend(names), drawing) if names else drawing


def legend(names: Sequence[str]) -> Markup:
    """Return what the full and the dashed line of a chart stand for."""
    swatch = Markup(
        '<span class="qm-legend"><svg class="qm-chart qm-swatch2" viewBox="0 0 18 4" width="18" height="4"'
        ' aria-hidden="true"><path class="qm-line{}" d="M0 2h18"/></svg>{}</span>'
    )
    return Markup().join(swatch.format(form, name) for form, name in zip(("", "2"), names, strict=False))


def bar_list(
    rows: Iterable[tuple[object, int, str | None, str | None]],
    *,
    label: str = "",
    renderer: Renderer | None = None,
) -> Markup:
    """Return counts as a list of links with a bar each: rows are (what, how many, where it leads, tone).

    What is markup already (a state with its icon) stays markup. The longest bar is the largest count.
    """
    found = list(rows)
    most = max((count for _what, count, _url, _tone in found), default=0)
    locale = renderer.locale if renderer else get_locale() or Locale.parse("en")
    lines = [_bar(what, count, most, url, tone, locale) for what, count, url, tone in found]
    named = Markup(' aria-label="{}"').format(label) if label else ""
    return Markup('<ul class="qm-bars"{}>{}</ul>').format(named, Markup().join(lines))


def sparkline(values: Sequence[Decimal], *, label: str, width: int = 96, height: int = 24) -> Markup:
    """Return a line without axes, as small as a word."""
    most = max(values, default=Decimal(0)) or Decimal(1)
    step = width / max(1, len(values) - 1)
    points = " ".join(f"{_n(n * step)} {_n(height - 2 - float(v / most) * (height - 4))}" for n, v in enumerate(values))
    return Markup(
        '<svg class="qm-chart qm-spark" viewBox="0 0 {} {}" role="img" aria-label="{}">'
        '<path class="qm-line" d="M{}"/></svg>'
    ).format(width, height, label, points)


def ticks_up_to(most: Decimal) -> list[Decimal]:
    """Return round numbers from zero to at least `most`, about four of them, in even steps."""
    if most <= 0:
        return [Decimal(0), Decimal(1)]
    rough = most / TICKS
    power = Decimal(10) ** rough.adjusted()
    step = next(power * factor for factor in STEPS if power * factor >= rough)
    count = int((most / step).to_integral_value(ROUND_CEILING))
    return [step * n for n in range(count + 1)]


def compact_money(value: Decimal, currency: str, locale: Locale) -> str:
    """Return an amount in few letters, as a figure shows it: `€1.84M`; below ten thousand in full without cents."""
    digits = 2 if value >= 10**6 else 1
    return _short(value, currency, locale, digits) if value >= 10_000 else _whole_money(value, currency, locale)


def _whole_money(value: Decimal, currency: str, locale: Locale) -> str:
    pattern = parse_pattern(locale.currency_formats["standard"].pattern)
    pattern.frac_prec = (0, 0)
    return str(pattern.apply(value, locale, currency=currency, currency_digits=False))


def _short(value: Decimal, currency: str | None, locale: Locale, digits: int) -> str:
    """Return a large number with its word; in full where the language has no short word for thousands."""
    if currency:
        word = format_compact_currency(value, currency, locale=locale, fraction_digits=digits)
        return _whole_money(value, currency, locale) if LONG.search(word) else str(word)
    word = format_compact_decimal(value, locale=locale, fraction_digits=digits)
    return format_decimal(value, locale=locale) if LONG.search(word) else str(word)


def _n(number: float) -> str:
    """Return a coordinate with one decimal at most."""
    return f"{number:.1f}".removesuffix(".0")


def _axis_word(tick: Decimal, most: Decimal, locale: Locale, currency: str | None) -> str:
    if tick == 0:
        return "0"
    if most > 10_000:
        return _short(tick, currency, locale, _digits(tick))
    if not currency:
        return format_decimal(tick, locale=locale, decimal_quantization=False)
    if tick == tick.to_integral_value():
        return _whole_money(tick, currency, locale)
    return str(format_currency(tick, currency, locale=locale, decimal_quantization=False))


def _digits(tick: Decimal) -> int:
    """Return how many decimals a compact tick needs: 2.5 M one, 2 M none."""
    thousands = tick
    while thousands >= 1000:
        thousands /= 1000
    return 0 if thousands == thousands.to_integral_value() else 1


def _grid(frame: _Frame, tick: Decimal, word: str) -> Markup:
    y = frame.y(tick)
    return Markup(
        '<line class="qm-grid" x1="{}" x2="{}" y1="{}" y2="{}"/><text x="{}" y="{}" text-anchor="end">{}</text>'
    ).format(_n(frame.left), _n(frame.right + 8), _n(y), _n(y), _n(frame.left - AXIS_GAP), _n(y + 4), word)


def _lines(frame: _Frame, shown: Sequence[Series]) -> Markup:
    first = shown[0]
    line = frame.path(first)
    area = f"{line}V{_n(frame.bottom)}H{_n(frame.x(first[0][0]))}z"
    drawn = Markup('<path class="qm-area" d="{}"/><path class="qm-line" d="{}"/>').format(area, line)
    if len(shown) > 1:
        drawn += Markup('<path class="qm-line2" d="{}"/>').format(frame.path(shown[1]))
    return drawn


def _mark(frame: _Frame, points: Series, mark: tuple[date, str] | None) -> Markup:
    day, word = mark or (points[-1][0], "")
    if not points[0][0] <= day <= points[-1][0]:
        return Markup()
    x, y = frame.x(day), frame.y(_value_on(points, day))
    dot = Markup('<circle class="qm-dot" cx="{}" cy="{}" r="4.5"/>').format(_n(x), _n(y))
    if not word:
        return dot
    room = frame.right - x > len(word) * LETTER + 10
    side, anchor = (8, "start") if room else (-8, "end")
    return dot + Markup('<text x="{}" y="{}" text-anchor="{}">{}</text>').format(
        _n(x + side), _n(max(y - 5, 9)), anchor, word
    )


def _value_on(points: Series, day: date) -> Decimal:
    """Return the value of a line on a day, between its points as the line runs."""
    before = max((point for point in points if point[0] <= day), key=lambda point: point[0])
    after = min((point for point in points if point[0] >= day), key=lambda point: point[0])
    days = (after[0] - before[0]).days
    return before[1] if not days else before[1] + (after[1] - before[1]) * (day - before[0]).days / days


def _day_words(frame: _Frame, locale: Locale) -> list[Markup]:
    """Return the words under the axis: years over two years and more, months below, days within two months."""
    span = (frame.last - frame.first).days
    if span > 730:
        return _words(frame, _thinned(_starts(frame, years=True), YEAR_LABELS), lambda day: str(day.year))
    if span > 62:
        return _words(
            frame, _thinned(_starts(frame), MONTH_LABELS), lambda day: str(format_skeleton("MMM", day, locale=locale))
        )
    days = [frame.first] if not span else [frame.first, frame.last]
    return _words(frame, days, lambda day: str(format_skeleton("MMMd", day, locale=locale)), is_full=bool(span))


def _starts(frame: _Frame, *, years: bool = False) -> list[date]:
    """Return the first days of the months, or years, that lie in the drawing."""
    found = []
    year, month = frame.first.year, frame.first.month
    while (day := date(year, month, 1)) <= frame.last:
        if day >= frame.first and not (years and month != 1):
            found.append(day)
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
    return found


def _thinned(days: list[date], most: int) -> list[date]:
    step = -(-len(days) // most)
    return days[:: max(1, step)]


def _words(frame: _Frame, days: Sequence[date], word: Callable[[date], str], *, is_full: bool = False) -> list[Markup]:
    """Return words under their days; of those from edge to edge the last one ends where the drawing does."""
    drawn, last = Markup('<text x="{}" y="{}" text-anchor="{}">{}</text>'), days[-1] if is_full else None
    return [
        drawn.format(_n(frame.right + 8), _n(frame.bottom + 18), "end", word(day))
        if day == last
        else drawn.format(_n(min(frame.x(day), frame.right - 4)), _n(frame.bottom + 18), "middle", word(day))
        for day in days
    ]


def _bar(what: object, count: int, most: int, url: str | None, tone: str | None, locale: Locale) -> Markup:
    share = max(1, round(count * 100 / most)) if count and most else 0
    line = Markup(
        '<span class="qm-barname">{}</span><svg class="qm-chart" viewBox="0 0 100 6" preserveAspectRatio="none"'
        ' aria-hidden="true"><rect class="qm-track" width="100" height="6"/>'
        '<rect class="{}" width="{}" height="6"/></svg>'
        '<span class="qm-num">{}</span>'
    ).format(escape(what), f"qm-fill qm-{tone}" if tone else "qm-bar", share, format_decimal(count, locale=locale))
    return (
        Markup('<li><a href="{}">{}</a></li>').format(url, line)
        if url
        else Markup("<li><span>{}</span></li>").format(line)
    )
