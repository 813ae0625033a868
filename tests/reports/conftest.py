"""What the tests of exports share: a database with no jobs but theirs, and a clock of their own."""

import csv
import io
from collections.abc import Callable, Iterator
from datetime import datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from tests.conftest import NewDatabase
from tests.households import Household, found_organization
from tests.letterbox import parsed
from tests.rows import add, change, stored
from webapp.core.context import Actor
from webapp.core.database import utcnow
from webapp.core.files import store
from webapp.core.jobs import JOBS, cancel_job, run_due, run_job
from webapp.core.tenancy import CHECKED, scoped
from webapp.reports import jobs, rules
from webapp.reports.models import EXPORTS, RUNS

Row = dict[str, Any]


class Exporter:
    """Drives exports of one organization as its owner; jobs run at once, in this process."""

    def __init__(self, organization: Household) -> None:
        self.organization, self.app = organization, organization.app

    def add(self, kind: str, actor: Actor | None = None, /, **patch: Any) -> int:
        """Make a row and commit it."""
        with self.organization.context(actor) as context:
            row_id = add(context, kind, **patch)
            context.session.commit()
        return row_id

    def save(self, actor: Actor | None = None, /, **patch: Any) -> int:
        """Save an export of the makers, each morning at six unless said otherwise."""
        usual = {"name": "Makers", "resource": "manufacturers", "schedule": "daily"}
        return self.add("exports", actor, **usual | patch)

    def change(self, row_id: int, **patch: Any) -> None:
        """Change an export."""
        with self.organization.context() as context:
            change(context, "exports", row_id, **patch)
            context.session.commit()

    def row(self, row_id: int) -> Row:
        """Return an export as it is kept."""
        return next(row for row in self.stored(EXPORTS) if row["id"] == row_id)

    def stored(self, table: Any) -> list[Row]:
        """Return a table's rows, as they are kept."""
        with self.organization.context(write=False) as context:
            return sorted(stored(context, table), key=lambda row: row["id"])

    def set(self, table: Any, row_id: int, **values: Any) -> None:
        """Set what no rule lets one set, such as the past."""
        with self.organization.context() as context:
            mine = scoped(context.session, table) & (table.c.id == row_id)
            context.session.execute(update(table).where(mine).values(values), execution_options=CHECKED)
            context.session.commit()

    def run(self, row_id: int) -> Row:
        """Make an export now and return its run."""
        with self.organization.context() as context:
            rules.run_now(context, [row_id], {})
            context.session.commit()
        self.work()
        return self.stored(RUNS)[-1]

    def look(self, at: datetime) -> int:
        """Do what the worker does at a moment: start what is due, and run it."""
        with self.app.app_context():
            started = jobs.start_due(at)
        for job in self.stored(JOBS):
            if job["state"] == "queued":
                self.set(JOBS, job["id"], run_at=utcnow())
        self.work()
        return started

    def work(self) -> None:
        """Let the worker's jobs be done."""
        with self.app.app_context():
            while run_due():
                pass

    def run_job(self, job_id: int) -> bool:
        """Run one job, as a worker does."""
        with self.app.app_context():
            return run_job(self.organization.id, job_id)

    def read(self, run: Row) -> bytes:
        """Return what a run's file holds."""
        with self.app.app_context(), store().open(run["file_key"], self.organization.id) as file:
            return file.read()

    def names(self, run: Row) -> list[str]:
        """Return the first column of a run's CSV."""
        return [row[0] for row in csv.reader(io.StringIO(self.read(run).decode("utf-8-sig")))][1:]

    def letters(self) -> list[EmailMessage]:
        """Return the letters that were sent, the oldest first."""
        self.work()
        folder = Path(self.app.config["INSTANCE_DIR"], "mail")
        files = sorted(folder.glob("*.eml"), key=lambda path: path.stat().st_mtime_ns)
        return [parsed(path.read_bytes()) for path in files]


@pytest.fixture(scope="session")
def export_app(new_app: Callable[..., Flask], new_database: NewDatabase) -> Flask:
    """Return an application on a database with no jobs but ours."""
    return new_app(new_database())


@pytest.fixture
def organization(export_app: Flask) -> Iterator[Household]:
    """Return a fresh organization there; whatever it leaves waiting is taken away."""
    made = found_organization(export_app)
    yield made
    with made.context() as context:
        for found in stored(context, JOBS):
            cancel_job(context, found["id"])
        everything = update(EXPORTS).where(scoped(context.session, EXPORTS)).values(next_run_at=None)
        context.session.execute(everything, execution_options=CHECKED)
        context.session.commit()
    for file in Path(export_app.config["INSTANCE_DIR"], "mail").glob("*.eml"):
        file.unlink()


@pytest.fixture
def exporter(organization: Household) -> Exporter:
    """Return what saves, runs and reads exports of a fresh organization with three makers."""
    made = Exporter(organization)
    for name in ("Sony", "=Canon", "Nikon"):
        made.add("manufacturers", name=name)
    return made
