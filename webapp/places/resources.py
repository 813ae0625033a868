"""Declarations of places."""

from flask_babel import lazy_gettext as _l

from webapp.core.fields import Choice, Name, Reference, SoftDeletedSchema, Text
from webapp.core.resource import Menu, Resource, Unique
from webapp.places.models import Location
from webapp.places.rules import keep_closure, make_path, name_paths, plan_location

KIND_WORDS = {
    "site": _l("Site"),
    "location": _l("Location"),
    "aisle": _l("Aisle"),
    "shelf": _l("Shelf"),
    "bin": _l("Bin"),
    "customer_site": _l("Customer site"),
}
WHAT, ADDRESS, CONTACT = _l("What it is"), _l("Address"), _l("Contact")


class LocationSchema(SoftDeletedSchema):
    """A place in the tree."""

    name = Text(required=True, key="name_key", label=_l("Name"), group=WHAT)
    kind = Choice(KIND_WORDS, load_default="location", nullable=False, label=_l("Kind"), group=WHAT)
    parent_id = Reference("locations", label=_l("Stands in"), group=WHAT)
    parent = Name("parent_id", label=_l("Stands in"))
    code = Text(label=_l("Code"), mono=True, group=WHAT, help=_l("A short name of your own, such as LIS-2"))
    address_line_1 = Text(label=_l("Address"), group=ADDRESS)
    address_line_2 = Text(label=_l("Address, second line"), group=ADDRESS)
    city = Text(label=_l("City"), group=ADDRESS)
    state = Text(label=_l("State or region"), group=ADDRESS)
    zip = Text(label=_l("Postal code"), group=ADDRESS)
    country = Text(max=2, label=_l("Country"), group=ADDRESS, help=_l("Two letters, such as PT"))
    email = Text(label=_l("E-mail"), group=CONTACT)
    phone = Text(label=_l("Phone"), group=CONTACT)
    notes = Text(max=10_000, multiline=True, label=_l("Notes"), group=CONTACT)


LOCATIONS = Resource(
    name="locations",
    model=Location,
    schema=LocationSchema,
    title=_l("Places"),
    singular=_l("Place"),
    icon="map-pin",
    menu=Menu(label=_l("Places"), group=_l("Organisation"), icon="map-pin", order=310),
    columns=("name", "kind", "parent", "code", "city", "country"),
    filters=("kind", "parent_id", "country", "code"),
    search=("name", "code", "city"),
    located_by="id",
    cached=True,
    label_columns=("parent_id", "name", "kind"),
    build_labels=name_paths,
    plan=plan_location,
    settle=keep_closure,
    rules={"make_named": make_path},
    unique=(Unique(column="name_key", field="name", within=("parent_key", "kind")),),
)
RESOURCES = (LOCATIONS,)
