"""What the API tells of an asset beyond its record: its book value on any day, and its schedule of depreciation."""

from datetime import date
from decimal import Decimal
from typing import Any

from flask import Response, request
from flask_babel import gettext as _
from flask_smorest import Blueprint
from marshmallow import RAISE, Schema

from webapp.assets.resources import ASSETS
from webapp.assets.rules import minor_units, terms_of, value_on
from webapp.assets.valuation import minimum_of, rounded, schedule, written_off_on
from webapp.catalog.models import CONVENTIONS, METHODS
from webapp.core.compiled import Row
from webapp.core.context import Context
from webapp.core.errors import Invalid
from webapp.core.fields import Day
from webapp.core.query import get_row
from webapp.faces import openapi
from webapp.faces.api import PREFIX, answer, entered, load
from webapp.faces.serialize import amount_text, dump

blueprint = Blueprint("api_asset_values", __name__, url_prefix=f"{PREFIX}/assets")
AMOUNT = {"type": ["string", "null"], "description": "In `currency`, as a string"}
DAY = {"type": ["string", "null"], "format": "date"}
TERMS = {
    "cost": AMOUNT,
    "currency": {"type": ["string", "null"]},
    "purchased_on": DAY,
    "depreciation_id": {"type": ["integer", "null"], "description": "The asset's own, or else its product's"},
    "method": {"type": ["string", "null"], "enum": [*METHODS, None]},
    "convention": {"type": ["string", "null"], "enum": [*CONVENTIONS, None]},
    "months": {"type": ["integer", "null"]},
    "minimum": AMOUNT,
    "written_off_on": DAY,
}
VALUE = {
    "type": "object",
    "properties": {
        "on": {"type": "string", "format": "date"},
        "book_value": {**AMOUNT, "description": "Null without a cost, or without the day of the purchase"},
        "accumulated_depreciation": AMOUNT,
        **TERMS,
    },
}
YEAR = {
    "type": "object",
    "properties": {
        "begins_on": {"type": "string", "format": "date"},
        "ends_on": {"type": "string", "format": "date"},
        "charge": {"type": "string"},
        "accumulated_depreciation": {"type": "string"},
        "book_value": {"type": "string"},
    },
}
SCHEDULE = {"type": "object", "properties": {**TERMS, "years": {"type": "array", "items": YEAR}}}
ON = {
    "name": "on",
    "in": "query",
    "schema": {"type": "string", "format": "date"},
    "description": "The day at whose end the value is told; today when it is left out",
}


class DaySchema(Schema):
    """The day that is asked about."""

    on = Day(nullable=False)


@blueprint.get("/<row_id:row_id>/book-value")
@openapi.document("assets", "What an asset is worth in the books on a day", VALUE, errors=(404, 422), parameters=[ON])
def book_value(row_id: int) -> Response:
    """Tell the book value of an asset on a day."""
    context = entered(ASSETS, write=False, parameters=True)
    on = asked_day(context)
    row = get_row(context, ASSETS, row_id)
    value, first, cost = value_on(context, row, on), value_on(context, row, date.min), row["purchase_cost"]
    taken = None if value is None or first is None else first - value
    found = {"on": on.isoformat(), "book_value": text(value), "accumulated_depreciation": text(taken)}
    return answer(dump({"data": {**found, "cost": text(cost), **terms_plain(context, row)}}))


@blueprint.get("/<row_id:row_id>/depreciation-schedule")
@openapi.document("assets", "What each calendar year takes of an asset's value", SCHEDULE, errors=(404, 422))
def depreciation_schedule(row_id: int) -> Response:
    """Tell what each calendar year takes of an asset's value; no years when nothing is written off."""
    context = entered(ASSETS, write=False)
    row = get_row(context, ASSETS, row_id)
    years = [
        {
            "begins_on": year.begins_on.isoformat(),
            "ends_on": year.ends_on.isoformat(),
            "charge": amount_text(year.charge),
            "accumulated_depreciation": amount_text(year.accumulated),
            "book_value": amount_text(year.book_value),
        }
        for year in years_of(context, row)
    ]
    return answer(dump({"data": {"cost": text(row["purchase_cost"]), **terms_plain(context, row), "years": years}}))


def asked_day(context: Context) -> date:
    """Return the day that the query asks about; raises Invalid."""
    given = request.args.to_dict()
    day: date = load(DaySchema(unknown=RAISE), given).get("on", context.today)
    if len(request.args.getlist("on")) > 1:
        raise Invalid({"on": [_("Give one day.")]})
    return day


def years_of(context: Context, row: Row) -> list[Any]:
    """Return the years of an asset's depreciation, none when it has no cost, no day of purchase or no method."""
    terms, cost, bought_on = terms_of(context, row), row["purchase_cost"], row["purchased_on"]
    if terms is None or cost is None or bought_on is None:
        return []
    return list(schedule(terms, cost, bought_on, places=minor_units(row["currency"])))


def terms_plain(context: Context, row: Row) -> dict[str, Any]:
    """Return what an asset's value is reckoned by, as JSON values."""
    terms, cost, bought_on = terms_of(context, row), row["purchase_cost"], row["purchased_on"]
    known = terms is not None and cost is not None
    return {
        "currency": row["currency"],
        "purchased_on": bought_on.isoformat() if bought_on else None,
        "depreciation_id": row["depreciation_id"] or row["product_depreciation_id"],
        "method": terms.method if terms else None,
        "convention": terms.convention if terms else None,
        "months": terms.months if terms else None,
        "minimum": text(rounded(minimum_of(terms, cost), minor_units(row["currency"]))) if terms and known else None,
        "written_off_on": written_off_on(terms, bought_on).isoformat() if terms and bought_on else None,
    }


def text(amount: Decimal | None) -> str | None:
    """Return an amount as JSON carries it."""
    return None if amount is None else amount_text(amount)
