"""Declarations of places, and the fields that all have which stand somewhere or can be reached."""

from dataclasses import replace

from babel import Locale
from flask_babel import lazy_gettext as _l
from marshmallow import RAISE, Schema, validate

from webapp.core.fields import Choice, CustomizedSchema, Flag, Name, Number, Reference, Text
from webapp.core.resource import Action, Menu, Resource, Unique
from webapp.places.merge import merge_action
from webapp.places.models import Location
from webapp.places.pages import INSIDE
from webapp.places.rules import (
    KIND_WORDS,
    keep_closure,
    leave_one_main_place,
    make_path,
    move_places,
    name_paths,
    offer_outside,
    offer_parents,
    parent_of,
    places_in_use,
    plan_location,
)

ORGANISATION = _l("Organisation")
WHAT, ADDRESS, CONTACT = _l("What it is"), _l("Address"), _l("Contact")
NO_COUNTRIES = frozenset({"EU", "EZ", "QO", "UN", "XA", "XB", "ZZ"})
COUNTRIES = frozenset(str(code) for code in Locale("en").territories if len(str(code)) == 2) - NO_COUNTRIES
EMAIL = validate.Email(error=_l("This is not an e-mail address."))
COUNTRY = validate.OneOf(COUNTRIES, error=_l("This is not a country's two capital letters, such as PT."))
CURRENCY = validate.Regexp(r"^[A-Z]{3}\Z", error=_l("Three capital letters, such as EUR."))


def address_fields() -> tuple[Text, Text, Text, Text, Text, Text]:
    """Return the fields of an address: two lines, city, state, zip, country."""
    return (
        Text(label=_l("Address"), group=ADDRESS),
        Text(label=_l("Address, second line"), group=ADDRESS),
        Text(label=_l("City"), group=ADDRESS),
        Text(label=_l("State or region"), group=ADDRESS),
        Text(label=_l("Postal code"), group=ADDRESS),
        Text(max=2, checks=(COUNTRY,), label=_l("Country"), group=ADDRESS, help=_l("Two letters, such as PT")),
    )


def notes_field(group: object = CONTACT) -> Text:
    """Return the field for everything that has no field."""
    return Text(max=10_000, multiline=True, label=_l("Notes"), group=group)


class LocationSchema(CustomizedSchema):
    """A place in the tree."""

    name = Text(required=True, key="name_key", label=_l("Name"), group=WHAT)
    kind = Choice(KIND_WORDS, load_default="location", nullable=False, label=_l("Kind"), group=WHAT)
    parent_id = Reference("locations", label=_l("Stands in"), group=WHAT)
    parent = Name("parent_id", label=_l("Stands in"))
    code = Text(label=_l("Code"), mono=True, group=WHAT, help=_l("A short name of your own, such as LIS-2"))
    company_id = Reference("companies", label=_l("Company"), group=WHAT)
    company = Name("company_id", label=_l("Company"))
    customer_id = Reference("customers", label=_l("Customer"), group=WHAT, help=_l("Whose site this is"))
    customer = Name("customer_id", label=_l("Customer"))
    currency = Text(
        max=3,
        checks=(CURRENCY,),
        label=_l("Currency"),
        group=WHAT,
        help=_l("Of what is bought for it; empty takes yours"),
    )
    is_office = Flag(load_default=False, label=_l("Office"), group=WHAT, help=_l("People work here"))
    is_primary = Flag(
        load_default=False, label=_l("Main place"), group=WHAT, help=_l("There is one; choosing this one ends another")
    )
    is_active = Flag(load_default=True, label=_l("In use"), group=WHAT, help=_l("What is not in use is not offered"))
    address_line_1, address_line_2, city, state, zip, country = address_fields()
    latitude = Number(min=-90, max=90, places=6, label=_l("Latitude"), suffix="°", group=ADDRESS)
    longitude = Number(min=-180, max=180, places=6, label=_l("Longitude"), suffix="°", group=ADDRESS)
    manager_id = Reference("persons", label=_l("Manager"), group=CONTACT)
    manager = Name("manager_id", label=_l("Manager"))
    email = Text(checks=(EMAIL,), label=_l("E-mail"), group=CONTACT)
    phone = Text(label=_l("Phone"), group=CONTACT)
    fax = Text(label=_l("Fax"), group=CONTACT)
    notes = notes_field()


class MoveSchema(Schema):
    """Where places are to stand from now on."""

    class Meta:
        """Unknown keys are errors."""

        unknown = RAISE

    parent_id = Reference(
        "locations", required=True, nullable=True, label=_l("Into"), help=_l("Empty puts it at the top of the tree")
    )


MOVE = Action(
    name="move",
    label=_l("Move"),
    icon="arrows-move",
    schema=MoveSchema,
    rule=move_places,
    permission="locations:write",
    words=_l("Everything that stands in it goes along."),
    done=_l("%(name)s was moved"),
    initial=parent_of,
    offer=offer_parents,
)
LOCATIONS = Resource(
    name="locations",
    model=Location,
    schema=LocationSchema,
    title=_l("Places"),
    singular=_l("Place"),
    icon="map-pin",
    menu=Menu(label=_l("Places"), group=ORGANISATION, icon="map-pin", order=310),
    columns=("name", "kind", "parent", "code", "city", "country", "manager"),
    filters=(
        "kind",
        "parent_id",
        "manager_id",
        "company_id",
        "customer_id",
        "country",
        "code",
        "is_primary",
        "is_active",
        "is_office",
    ),
    search=("name", "code", "city"),
    located_by="id",
    cached=True,
    label_columns=("parent_id", "name", "kind"),
    build_labels=name_paths,
    plan=plan_location,
    prepare=leave_one_main_place,
    settle=keep_closure,
    offered=places_in_use,
    rules={"make_named": make_path},
    unique=(Unique(column="name_key", field="name", within=("parent_key", "kind")),),
    offer=offer_outside,
    actions=(MOVE, replace(merge_action("locations"), offer=offer_outside)),
    sync_key="name",
)
RESOURCES = (LOCATIONS,)
PANELS = (INSIDE,)
