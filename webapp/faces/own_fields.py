"""Which of an organization's own fields stand in a form: those of the chosen product's set, and those of no set."""

import re
from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _

from webapp.core.context import Context
from webapp.core.custom import SETS, carrier_of_sets, fields_of_sets
from webapp.core.labels import label_rows
from webapp.core.naming import labels_in_reach
from webapp.core.resource import Resource


def chosen_product(resource: Resource, *sources: Mapping[str, Any] | None) -> int | None:
    """Return the product that the first of some sources names: what was sent, what it starts with, what is."""
    name = str(resource.field_sets)
    given = next((str(found[name]) for found in sources if found is not None and name in found), "")
    return int(given) if re.fullmatch("[0-9]{1,18}", given) else None


def own_groups(context: Context, resource: Resource, product_id: int | None) -> dict[str, list[str]]:
    """Return {heading: names} of the own fields that a thing has: its product's set in its order, then the others."""
    groups: dict[str, list[str]] = {}
    sets = label_rows(context, SETS)
    listed = fields_of_sets(resource, sets)
    if resource.field_sets:
        carrier = carrier_of_sets(resource)
        product = labels_in_reach(context, {carrier: [product_id]})[carrier].get(product_id or 0)
        set_id = product["field_set_id"] if product else None
        if set_id in listed:
            groups[str(sets[set_id]["label"])] = listed[set_id]
    in_sets = {name for names in listed.values() for name in names}
    groups.setdefault(_("Own fields"), []).extend(name for name in resource.customs if name not in in_sets)
    return {label: names for label, names in groups.items() if names}
