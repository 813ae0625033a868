"""What a thing is still worth in the books: four methods of depreciation, two conventions, on any day.

Everything is reckoned in exact fractions and rounded HALF_UP once, at the end. A charge of a year falls evenly on its
months, and a month counts when its last day is over. What the texts say and we follow:

- Straight line and the minimum (residual value): IAS 16.50-62; nothing is written off below it.
- Sum of the years' digits goes by the thing's own years; a calendar year takes parts of two of them. Kieso, Weygandt,
  Warfield, *Intermediate Accounting*, 16th ed., chapter 11, "Special Depreciation Issues: Depreciation and Partial
  Periods".
- Declining balances take their rate of what stands in the books when the calendar year begins, the minimum not
  deducted first (ibid., "Declining-Balance Method"). From the first year in which spreading the rest evenly over the
  life that is left takes no less, the rest is spread evenly, so that a thing is written off when its life ends: IRS
  Publication 946, "Declining Balance Method"; the same as VDB in spreadsheets and DEPDBSL in SAS.
- Full month: the month of the purchase counts whole. Half year: a thing bought at any time of a calendar year counts
  from its middle, 1 July (IRS Publication 946, "Half-year convention").
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise

from webapp.catalog.models import CONVENTIONS, METHODS

STRAIGHT_LINE, DECLINING, DOUBLE_DECLINING, SUM_OF_YEARS = METHODS
FULL_MONTH, HALF_YEAR = CONVENTIONS
YEAR = 12


@dataclass(frozen=True, slots=True)
class Terms:
    """How things of a kind lose their value: "straight line over 60 months down to 10 % of the cost".

    `rate` is in percent a year, for the declining balance alone; of the two minimums the amount goes first.
    """

    method: str
    months: int
    rate: Decimal | None = None
    convention: str = FULL_MONTH
    minimum_value: Decimal | None = None
    minimum_percent: Decimal | None = None

    def __post_init__(self) -> None:
        """Refuse terms that nothing can be reckoned by."""
        if self.method not in METHODS or self.convention not in CONVENTIONS:
            raise ValueError(f"no such method or convention: {self.method}, {self.convention}")
        if self.months <= 0:
            raise ValueError("a life is at least one month")
        if self.method == DECLINING and not self.rate:
            raise ValueError("a declining balance needs its rate")


@dataclass(frozen=True, slots=True)
class Charge:
    """What a calendar year takes of a thing's value, and what stands in the books at its end."""

    begins_on: date
    ends_on: date
    charge: Decimal
    accumulated: Decimal
    book_value: Decimal


@dataclass(frozen=True, slots=True)
class _Span:
    """Months of a life, counted from its start, that share evenly what they take of a cost of one."""

    begins: int
    months: int
    charge: Fraction


def book_value(terms: Terms, cost: Decimal, bought_on: date, on: date, *, places: int = 2) -> Decimal:
    """Return what a thing stands at in the books at the end of a day, in the currency of `cost`.

    Before the purchase that is the cost, after its life the minimum.
    """
    if on < bought_on:
        return rounded(Fraction(cost), places)
    return rounded(_value_after(terms, cost, bought_on, _months_over(_start(terms, bought_on), on)), places)


def minimum_of(terms: Terms, cost: Decimal) -> Fraction:
    """Return what never is written off: the amount, or the part of the cost; never more than the cost."""
    if terms.minimum_value is not None:
        return min(Fraction(terms.minimum_value), Fraction(cost))
    return Fraction(cost) * min(Fraction(terms.minimum_percent or 0) / 100, Fraction(1))


def written_off_on(terms: Terms, bought_on: date) -> date:
    """Return the last day of a thing's life in the books, the day of the purchase at the earliest."""
    return max(_month_after(_start(terms, bought_on), terms.months) - timedelta(days=1), bought_on)


def schedule(terms: Terms, cost: Decimal, bought_on: date, *, places: int = 2) -> list[Charge]:
    """Return what each calendar year takes until the life ends; the charges add up to cost − minimum exactly."""
    start, last = _start(terms, bought_on), written_off_on(terms, bought_on)
    before, rows = rounded(Fraction(cost), places), []
    for year in range(start.year, last.year + 1):
        ends_on = min(date(year, 12, 31), last)
        after = rounded(_value_after(terms, cost, bought_on, _months_over(start, ends_on)), places)
        begins_on = max(date(year, 1, 1), start)
        rows.append(Charge(begins_on, ends_on, before - after, rounded(Fraction(cost), places) - after, after))
        before = after
    return rows


def curve(terms: Terms, cost: Decimal, bought_on: date, *, places: int = 2) -> list[tuple[date, Decimal]]:
    """Return the corners (day, book value) of a thing's value from the purchase to the end of its life."""
    start = _start(terms, bought_on)
    least = minimum_of(terms, cost) / Fraction(cost) if cost else Fraction(0)
    spans = _spans(terms, least, start.month)
    days = [_month_after(start, span.begins + span.months) - timedelta(days=1) for span in spans]
    corners = sorted({bought_on, *(day for day in (start, *days) if day > bought_on)})
    return [(day, book_value(terms, cost, bought_on, day, places=places)) for day in corners]


def rounded(value: Fraction, places: int) -> Decimal:
    """Return a fraction as an amount with so many decimals, halves away from zero (HALF_UP)."""
    scaled = value * 10**places
    whole, rest = divmod(abs(scaled.numerator), scaled.denominator)
    whole += 2 * rest >= scaled.denominator
    return Decimal(whole if scaled >= 0 else -whole).scaleb(-places)


def _value_after(terms: Terms, cost: Decimal, bought_on: date, months: int) -> Fraction:
    """Return what is left of the cost when so many months of the life are over."""
    if not cost:
        return Fraction(0)
    least = minimum_of(terms, cost) / Fraction(cost)
    return Fraction(cost) * _share_left(terms, least, _start(terms, bought_on).month, months)


@lru_cache(maxsize=4096)
def _share_left(terms: Terms, least: Fraction, first_month: int, months: int) -> Fraction:
    """Return the part of a cost that is left: a page of a list asks for the same few again and again."""
    share = Fraction(1)
    for span in _spans(terms, least, first_month):
        passed = min(max(months - span.begins, 0), span.months)
        if not passed:
            break
        share -= span.charge * passed / span.months
    return share


def _spans(terms: Terms, least: Fraction, first_month: int) -> Iterator[_Span]:
    """Yield what a life's parts take of a cost of one, down to the least that stays."""
    if terms.method == STRAIGHT_LINE:
        yield _Span(0, terms.months, 1 - least)
    elif terms.method == SUM_OF_YEARS:
        yield from _sum_of_years(terms.months, 1 - least)
    else:
        rate = Fraction(2 * YEAR, terms.months) if terms.method == DOUBLE_DECLINING else Fraction(terms.rate or 0) / 100
        yield from _declining(terms.months, min(rate, Fraction(1)), least, first_month)


def _sum_of_years(months: int, base: Fraction) -> Iterator[_Span]:
    """Yield a life's own years, each weighed by the life that is left when it begins."""
    years = [(begins, min(YEAR, months - begins)) for begins in range(0, months, YEAR)]
    digits = sum((months - begins) * length for begins, length in years)
    for begins, length in years:
        yield _Span(begins, length, base * (months - begins) * length / digits)


def _declining(months: int, rate: Fraction, least: Fraction, first_month: int) -> Iterator[_Span]:
    """Yield the calendar years of a life: the rate of what is left, or an even share of the rest when that is more."""
    corners = [0, *range(YEAR + 1 - first_month, months, YEAR), months]
    value = Fraction(1)
    for begins, ends in pairwise(corners):
        length = ends - begins
        declining = value * rate * length / YEAR
        even = (value - least) * length / (months - begins)
        charge = min(max(declining, even), value - least)
        yield _Span(begins, length, charge)
        value -= charge


def _start(terms: Terms, bought_on: date) -> date:
    """Return the first day on which a thing loses value, as its convention counts."""
    return bought_on.replace(month=7, day=1) if terms.convention == HALF_YEAR else bought_on.replace(day=1)


def _months_over(start: date, on: date) -> int:
    """Return how many months since `start`, the first of one, are over at the end of a day."""
    tomorrow = on + timedelta(days=1) if on < date.max else on
    return max((tomorrow.year - start.year) * YEAR + tomorrow.month - start.month, 0)


def _month_after(start: date, months: int) -> date:
    """Return the first of a month so many months later; nothing lives beyond the calendar."""
    year, month = divmod(start.year * YEAR + start.month - 1 + months, YEAR)
    return date(year, month + 1, 1) if year <= date.max.year else date.max
