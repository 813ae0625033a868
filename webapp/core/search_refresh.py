"""When something is renamed, what is found by its name is found by the new one: a job in chunks."""

from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from webapp.core.context import Context
from webapp.core.insertion import update_rows
from webapp.core.jobs import JobRun, job
from webapp.core.resource import Resource, registry
from webapp.core.tenancy import CHECKED, among, scoped
from webapp.core.writes import Change, Facts, follow_renames, search_text

CHUNK = 1000


@job("refresh_search", _l("Search words"), lasting=True)
def refresh_search(context: Context, run: JobRun) -> str | None:
    """Write the search text of every row that refers to the renamed ones, 1,000 rows a commit."""
    resource = registry.resources[run.payload["resource"]]
    table, last = resource.table, 0
    column, renamed = table.c[run.payload["column"]], run.payload["ids"]
    while True:
        query = (
            select(table)
            .where(scoped(context.session, table), among(context.session, column, renamed), table.c.id > last)
            .order_by(table.c.id)
            .limit(CHUNK)
        )
        rows = [dict(row) for row in context.session.execute(query, execution_options=CHECKED).mappings()]
        if not rows:
            return None
        rewrite(context, resource, rows)
        last = rows[-1]["id"]
        run.progress(run.done + len(rows))
        run.commit()


def rewrite(context: Context, resource: Resource, rows: list[dict[str, Any]]) -> None:
    """Write the search texts of some whole rows anew, and have those follow that are found by them."""
    table, facts = resource.table, Facts(context)
    for name in resource.search_references:
        facts.preload(str(resource.fields[name].target), [row[name] for row in rows])
    texts = [(row, search_text(resource, row, facts)) for row in rows]
    stale = [{"id": row["id"], "search_text": text} for row, text in texts if row["search_text"] != text]
    if not stale:
        return
    update_rows(context.session, table, stale)
    after = [Change(row, {**row, "search_text": text}) for row, text in texts]
    follow_renames(context, resource, after)
