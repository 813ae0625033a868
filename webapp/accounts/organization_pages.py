"""Settings: the organization itself."""

from urllib.parse import urlencode

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from webapp.accounts.numbering import UNIQUE_SERIAL, next_tag
from webapp.accounts.resources import ORGANIZATIONS
from webapp.accounts.setting_frame import route, settings_page
from webapp.accounts.uniqueness import shared_values
from webapp.core.context import Context
from webapp.core.errors import Invalid, StaleVersion
from webapp.core.query import get_row
from webapp.core.writes import update
from webapp.faces.forms import ResourceForm, form_for
from webapp.faces.navigation import SETTINGS, Link, add_link
from webapp.faces.surface import go, toast

MOST_SHARED = 20
organization = Blueprint("organization", __name__)


def edit_organization(context: Context) -> ResponseReturnValue:
    """Change the organization's name, currency, time zone, language, and how its assets are numbered."""
    row = get_row(context, ORGANIZATIONS, context.organization_id)
    if request.method == "GET":
        return _page(context, form_for(context, ORGANIZATIONS, row=row))
    form = form_for(context, ORGANIZATIONS, row=row, posted=request.form)
    loaded = form.load(ORGANIZATIONS.schema_for(partial=True), form.patch(request.form), only=form.changed())
    if loaded is None:
        return _page(context, form), 422
    version = int(form.version.data) if (form.version.data or "").isdecimal() else row["version"]
    try:
        update(context, ORGANIZATIONS, context.organization_id, loaded, version=version)
    except Invalid as error:
        form.refuse(error)
        return _page(context, form, shared=UNIQUE_SERIAL in error.errors), 422
    except StaleVersion:
        form.form_errors.append(_("Somebody saved this while you typed. Look at it again before you save."))
        return _page(context, form), 412
    toast(_("The organisation was saved"))
    return go(url_for("organization.edit"))


def _page(context: Context, form: ResourceForm, *, shared: bool = False) -> str:
    found = shared_values(context, UNIQUE_SERIAL) if shared else []
    return settings_page(
        "accounts/organization.html",
        _("Organisation"),
        form=form,
        back=url_for("dashboard.index"),
        next_tag=next_tag(context),
        shared=[
            (item.value, item.count, f"{url_for(f'{item.resource.name}.index')}?{urlencode({item.field: item.value})}")
            for item in found[:MOST_SHARED]
        ],
        more=max(0, len(found) - MOST_SHARED),
    )


route(organization, "/settings/organization", "edit", edit_organization, ORGANIZATIONS.write_permission, "POST")
add_link(
    Link(
        endpoint="organization.edit",
        label=_l("Organisation"),
        icon="building",
        group=SETTINGS,
        permission=ORGANIZATIONS.write_permission,
        order=10,
    )
)
