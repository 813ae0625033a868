"""Declarations of persons."""

from flask_babel import lazy_gettext as _l
from marshmallow import validate

from webapp.core.fields import Flag, Name, Reference, SoftDeletedSchema, Text
from webapp.core.resource import Menu, Resource, Unique
from webapp.people.models import Person
from webapp.people.rules import plan_person

WHO, WORK, REACH = _l("Who it is"), _l("Work"), _l("Contact")
EMAIL = validate.Email(error=_l("This is not an e-mail address."))


class PersonSchema(SoftDeletedSchema):
    """Somebody who can hold things."""

    first_name = Text(required=True, label=_l("First name"), group=WHO)
    last_name = Text(label=_l("Last name"), group=WHO)
    name = Text(key="name_key", label=_l("Shown as"), group=WHO, help=_l("Empty takes first and last name"))
    email = Text(key="email_key", checks=(EMAIL,), label=_l("E-mail"), group=REACH)
    phone = Text(label=_l("Phone"), group=REACH)
    username = Text(key="username_key", label=_l("User name"), group=WORK)
    employee_number = Text(key="employee_number_key", label=_l("Employee number"), group=WORK)
    title = Text(label=_l("Job title"), group=WORK)
    location_id = Reference("locations", label=_l("Place"), group=WORK)
    location = Name("location_id", label=_l("Place"))
    manager_id = Reference("persons", label=_l("Manager"), group=WORK)
    manager = Name("manager_id", label=_l("Manager"))
    is_archived = Flag(
        load_default=False, label=_l("Archived"), group=WORK, help=_l("Has left; cannot be handed things")
    )
    notes = Text(max=10_000, multiline=True, label=_l("Notes"), group=REACH)


PERSONS = Resource(
    name="persons",
    model=Person,
    schema=PersonSchema,
    title=_l("People"),
    singular=_l("Person"),
    icon="user",
    menu=Menu(label=_l("People"), group=_l("Organisation"), icon="users", order=300),
    columns=("name", "title", "email", "location", "manager", "is_archived"),
    filters=("location_id", "manager_id", "is_archived", "email", "employee_number"),
    search=("name", "email", "username", "employee_number"),
    located_by="location_id",
    plan=plan_person,
    unique=(
        Unique(column="email_key", field="email"),
        Unique(column="username_key", field="username"),
        Unique(column="employee_number_key", field="employee_number"),
    ),
)
RESOURCES = (PERSONS,)
