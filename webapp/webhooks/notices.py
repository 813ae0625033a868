"""The letter to those who may mend a webhook that was disabled."""

from flask import current_app, render_template
from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import select

from webapp.accounts.models import Membership, User
from webapp.core.access import ROLES, permissions_of
from webapp.core.context import Context
from webapp.core.database import table_of
from webapp.core.jobs import enqueue
from webapp.core.tenancy import CHECKED, scoped
from webapp.edge.mail import letter
from webapp.webhooks.models import Webhook
from webapp.webhooks.wording import reason_words

WRITE = "webhooks:write"


def tell_administrators(context: Context, hook: Webhook) -> None:
    """Put a letter to everybody who may write webhooks, and sees everything, into the transaction."""
    members, users = table_of(Membership), table_of(User)
    roles = [role for role in ROLES if WRITE in permissions_of(role)]
    query = (
        select(users.c.email, users.c.name, users.c.locale)
        .join(members, members.c.user_id == users.c.id)
        .where(
            scoped(context.session, members),
            members.c.deleted_at.is_(None),
            members.c.is_active,
            members.c.scope_location_id.is_(None),
            members.c.role.in_(roles),
            users.c.is_active,
        )
        .order_by(users.c.id)
    )
    for email, name, locale in context.session.execute(query, execution_options=CHECKED).all():
        with force_locale(locale or context.tenant.locale):
            values = {
                "name": name,
                "hook": hook.name,
                "organization": context.tenant.name,
                "reason": reason_words(hook.reason),
                "link": f"{current_app.config['BASE_URL']}/webhooks/{hook.id}",
            }
            text = render_template("email/webhook_disabled.txt", **values)
            html = render_template("email/webhook_disabled.html", **values)
            subject = _("The webhook %(name)s was switched off", name=hook.name)
            enqueue(context, "mail", letter([email], subject, text, html))
