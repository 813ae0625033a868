"""What many things are worth together, today and at the ends of the last twelve months, a currency each.

The database adds up what was bought on the same day, under the same terms and in the same currency; book values are
then reckoned once a group (assets/valuation.py). All methods and conventions count whole months, so the month of the
purchase is enough, and value is in proportion to cost: a group's value is that of its things, but for

- rounding: once a group and not once a thing, at most half a cent each;
- a minimum that is an amount: a group keeps it once a thing, so that a thing which cost less than the minimum lends
  what it lacks from the others.

Things are counted from the day they were bought, those without a day as if they had always been here, at their cost
where nothing is written off, and without a book value where nobody knows since when.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, and_, func, select

from webapp.assets.models import Asset
from webapp.assets.rules import minor_units, terms_of
from webapp.assets.valuation import Terms, book_value
from webapp.core.context import Context
from webapp.core.database import table_of
from webapp.core.resource import registry
from webapp.core.tenancy import CHECKED, ORGANIZATION

MONTHS, EXACT = 12, 12


@dataclass(frozen=True, slots=True)
class Group:
    """Things bought in the same month on the same terms; `bought_on` is its first day, in the current one the day."""

    terms: Terms | None
    bought_on: date | None
    cost: Decimal
    count: int


@dataclass(frozen=True, slots=True)
class Worth:
    """What things are worth in a currency; `trend` are (day, book value, cost), the last one today.

    `undated` of them are to be written off, nobody knows since when.
    """

    currency: str
    book: Decimal
    cost: Decimal
    trend: list[tuple[date, Decimal, Decimal]]
    undated: int


def worth_today_and_before(context: Context, where: Iterable[ColumnElement[bool]]) -> list[Worth]:
    """Return the worth of the assets that predicates leave, the organization's own currency first, then by cost."""
    days = [*month_ends_before(context.today, MONTHS), context.today]
    found = [_worth(currency, groups, days) for currency, groups in _groups(context, where).items()]
    return sorted(found, key=lambda worth: (worth.currency != context.tenant.currency, -worth.cost, worth.currency))


def month_ends_before(day: date, count: int) -> list[date]:
    """Return the last days of so many months before a day's own, oldest first."""
    ends = [day.replace(day=1) - timedelta(days=1)]
    while len(ends) < count:
        ends.append(ends[-1].replace(day=1) - timedelta(days=1))
    return ends[::-1]


def _groups(context: Context, where: Iterable[ColumnElement[bool]]) -> dict[str, list[Group]]:
    """Return the groups of each currency: one statement."""
    assets, products = table_of(Asset), registry.resources["products"].table
    same = and_(products.c[ORGANIZATION] == assets.c[ORGANIZATION], products.c.id == assets.c.product_id)
    keys = (assets.c.currency, assets.c.depreciation_id, products.c.depreciation_id, assets.c.purchased_on)
    query = (
        select(*keys, func.sum(assets.c.purchase_cost), func.count())
        .select_from(assets.outerjoin(products, same))
        .where(*where, assets.c.purchase_cost.isnot(None))
        .group_by(*keys)
    )
    added: dict[tuple[str, int, date | None], list[Any]] = defaultdict(lambda: [Decimal(0), 0])
    for currency, own, products_own, bought_on, cost, count in context.session.execute(
        query, execution_options=CHECKED
    ):
        key = (currency or context.tenant.currency, own or products_own or 0, _month_of(bought_on, context.today))
        added[key][0] += cost
        added[key][1] += count
    groups: dict[str, list[Group]] = defaultdict(list)
    for (currency, depreciation_id, bought_on), (cost, count) in added.items():
        ids: Mapping[str, Any] = {"depreciation_id": depreciation_id, "product_depreciation_id": None}
        groups[currency].append(Group(terms_of(context, ids), bought_on, cost, count))
    return groups


def _month_of(day: date | None, today: date) -> date | None:
    """Return the first day of a month that is over, and a later day itself."""
    return day.replace(day=1) if day and day < today.replace(day=1) else day


def _worth(currency: str, groups: list[Group], days: list[date]) -> Worth:
    places = Decimal(1).scaleb(-minor_units(currency))
    trend = []
    for day in days:
        here = [group for group in groups if group.bought_on is None or group.bought_on <= day]
        book = sum((_book(group, day) for group in here), Decimal(0)).quantize(places, ROUND_HALF_UP)
        trend.append((day, book, sum((group.cost for group in here), Decimal(0))))
    undated = sum(group.count for group in groups if group.terms and group.bought_on is None)
    return Worth(currency, trend[-1][1], trend[-1][2], trend, undated)


def _book(group: Group, day: date) -> Decimal:
    if group.terms is None:
        return group.cost
    if group.bought_on is None:
        return Decimal(0)
    return group.cost * _share(_whole_terms(group), group.bought_on.replace(day=1), day)


def _whole_terms(group: Group) -> Terms:
    """Return terms that hold for one unit of a group's cost: a minimum that is an amount becomes its part of it."""
    terms = group.terms
    assert terms is not None  # noqa: S101 the caller has looked
    if terms.minimum_value is None or not group.cost:
        return replace(terms, minimum_value=None)
    percent = min(terms.minimum_value * group.count / group.cost * 100, Decimal(100))
    return replace(terms, minimum_value=None, minimum_percent=percent)


@lru_cache(maxsize=100_000)
def _share(terms: Terms, bought_on: date, day: date) -> Decimal:
    """Return what part of its cost a thing stands at."""
    return book_value(terms, Decimal(1), bought_on, day, places=EXACT)
