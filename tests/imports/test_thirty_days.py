"""An import can be undone for 30 days; after that its file and rows are thrown away, and what came of it stays."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from tests.clients import PageClient
from tests.imports.conftest import Importer
from webapp.core.database import utcnow
from webapp.core.errors import Conflict
from webapp.core.files import store
from webapp.core.tenancy import CHECKED
from webapp.imports import jobs, mending, rules

pytestmark = pytest.mark.both_databases
SHEET = "Tag,Name,Category\nA-1,Drill,Tools\nA-2,Saw,\n"


@pytest.fixture
def applied(importer: Importer) -> int:
    import_id = importer.upload(SHEET)
    importer.do(rules.change, import_id, options={"create": ["categories"]})
    importer.do(rules.apply, import_id)
    return import_id


def age(importer: Importer, import_id: int, days: int) -> None:
    """Put an import's times back."""
    row, past = importer.get(import_id), timedelta(days=days)
    names = ("created_at", "updated_at", "applied_at", "undone_at")
    values = {name: row[name] - past for name in names if row[name] is not None}
    with importer.organization.context() as context:
        mine = update(jobs.IMPORTS).where(
            jobs.IMPORTS.c.id == import_id, jobs.IMPORTS.c.organization_id == importer.organization.id
        )
        context.session.execute(mine.values(values), execution_options=CHECKED)
        context.session.commit()


def purge(importer: Importer) -> int:
    with importer.organization.app.app_context():
        return jobs.purge_old()


def file_of(importer: Importer, import_id: int) -> Path:
    with importer.organization.app.app_context():
        return Path(store().root) / importer.get(import_id)["file_key"]


def test_undo_is_refused_after_thirty_days_with_a_sentence(importer: Importer, applied: int, client: PageClient):
    age(importer, applied, 29)
    assert "Undo is possible until" in client.get(f"/imports/{applied}").text
    age(importer, applied, 2)

    with pytest.raises(Conflict, match=r"can be undone for 30 days\. This one was applied on"):
        importer.do(rules.undo, applied, run=False)

    assert f"/imports/{applied}/undo" not in client.get(f"/imports/{applied}").text
    assert f"/imports/{applied}/undo" not in client.get("/imports").text


def test_file_and_rows_go_and_the_summary_stays(importer: Importer, applied: int, client: PageClient):
    file = file_of(importer, applied)
    assert file.exists()
    age(importer, applied, 29)
    purge(importer)
    assert (len(importer.rows(applied)), file.exists()) == (2, True)

    age(importer, applied, 2)
    purge(importer)

    row = importer.get(applied)
    assert (row["state"], row["counts"]["created"], row["purged_at"] is None) == ("applied", 1, False)
    assert (importer.rows(applied), file.exists()) == ([], False)
    assert "The rows are gone" in client.get(f"/imports/{applied}").text
    with pytest.raises(Conflict):
        importer.do(rules.apply, applied, run=False)
    assert len(importer.living()) == 1


def test_what_was_never_applied_is_laid_aside_and_what_works_or_stopped_halfway_is_left(
    importer: Importer, applied: int
):
    checked, running = importer.upload(SHEET), importer.upload(SHEET.replace("A-1", "A-9"))
    importer.do(rules.apply, running, run=False)
    for import_id in (checked, running):
        age(importer, import_id, 31)

    purge(importer)
    purge(importer)

    assert importer.get(checked)["state"] == "discarded"
    assert importer.get(running)["state"] == "applying"
    assert len(importer.rows(running)) == 2
    assert len(importer.rows(applied)) == 2


def test_the_worker_purges_once_a_day(importer: Importer, applied: int, monkeypatch):
    monkeypatch.setattr(jobs, "_purges", {})
    calls = []
    monkeypatch.setattr(jobs, "purge_old", lambda: calls.append(utcnow()))

    for _time in range(3):
        jobs.purge_daily()
    jobs._purges["last"] -= timedelta(days=1)
    jobs.purge_daily()

    assert len(calls) == 2


def test_what_was_mended_after_an_apply_is_not_held_against_its_undo(importer: Importer, applied: int):
    age(importer, applied, 20)
    importer.do(mending.mend, applied, 3, {2: "Tools"}, run=False)
    importer.do(rules.apply, applied)
    age(importer, applied, 20)

    importer.do(rules.undo, applied)

    assert importer.get(applied)["counts"]["removed"] == 3
