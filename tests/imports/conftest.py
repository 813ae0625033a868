"""What the tests of imports share: uploading a table and letting its jobs run."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from tests.clients import ApiClient
from tests.households import Household
from webapp.core.context import Context
from webapp.core.jobs import run_job
from webapp.core.resource import registry
from webapp.core.tenancy import CHECKED
from webapp.imports import rules

Row = dict[str, Any]


class Importer:
    """Drives imports of one organization as its owner; jobs run at once, in this process."""

    def __init__(self, organization: Household) -> None:
        self.organization = organization

    def do(self, act: Callable[..., Any], *args: Any, run: bool = True, **values: Any) -> Any:
        """Do one act of the rules, commit it, and run the job it started."""
        with self.organization.context() as context:
            result = act(context, *args, **values)
            context.session.commit()
        import_id = args[0] if act is not rules.upload else result
        if run:
            self.run(import_id)
        return result

    def upload(
        self, text: str | bytes, filename: str = "list.csv", *, resource: str = "assets", run: bool = True
    ) -> int:
        """Upload a table, of assets unless another resource is said, and check it."""
        content = text.encode() if isinstance(text, str) else text
        return int(self.do(rules.upload, resource, io.BytesIO(content), filename, run=run))

    def file(self, text: str) -> io.BytesIO:
        """Return a file with a text."""
        return io.BytesIO(text.encode())

    def run(self, import_id: int) -> None:
        """Run the import's job, as the worker would."""
        row = self.get(import_id)
        if row["job_id"]:
            with self.organization.app.app_context():
                run_job(self.organization.id, row["job_id"])

    def api(self) -> ApiClient:
        """Return an integration of the organization with a key for everything."""
        return self.organization.api_client()

    def get(self, import_id: int) -> Row:
        """Return the import's row."""
        with self.organization.context(write=False) as context:
            return rules.get_import(context, import_id)

    def rows(self, import_id: int, fate: str | None = None) -> list[Row]:
        """Return the import's rows."""
        with self.organization.context(write=False) as context:
            return rules.list_rows(context, import_id, fate=fate, per_page=100_000)

    def fates(self, import_id: int) -> list[str]:
        """Return the fate of each row, in order."""
        return [row["fate"] for row in self.rows(import_id)]

    def living(self, resource: str = "assets") -> list[Row]:
        """Return every living row of a resource, oldest first."""
        with self.organization.context(write=False) as context:
            return living(context, resource)


def living(context: Context, resource: str) -> list[Row]:
    """Return every living row of a resource, oldest first."""
    table = registry.resources[resource].table
    query = select(table).where(table.c.organization_id == context.organization_id, table.c.deleted_at.is_(None))
    return [dict(r) for r in context.session.execute(query.order_by(table.c.id), execution_options=CHECKED).mappings()]


@pytest.fixture
def importer(organization: Household) -> Importer:
    """Return what uploads, checks and applies in a fresh organization."""
    return Importer(organization)
