"""All that an organization has, table by table, so that a test can say that nothing of it has changed."""

from typing import Any

from sqlalchemy import select

from tests.households import Household
from webapp.core.database import Base
from webapp.core.tenancy import CHECKED, ORGANIZATION, new_session

UNREADABLE = frozenset({"sessions", "one_time_links", "key_usage"})
USES = frozenset({"last_used_at", "last_seen_at"})
TENANT_TABLES = sorted(
    name for name, table in Base.metadata.tables.items() if ORGANIZATION in table.c and name not in UNREADABLE
)


def snapshot(household: Household) -> dict[str, list[dict[str, Any]]]:
    """Return every row of an organization by table, without the times at which its credentials were used."""
    found = {}
    with household.app.app_context(), new_session(household.id, write=False) as session:
        for name in TENANT_TABLES:
            table = Base.metadata.tables[name]
            columns = [column for column in table.c if column.name not in USES]
            query = select(*columns).where(table.c.organization_id == household.id).order_by(*table.primary_key)
            rows = session.execute(query, execution_options=CHECKED).mappings()
            found[name] = [dict(row) for row in rows]
    return found
