"""Jobs of imports that are killed on the way: they go on where they stood, and every row has one effect."""

from datetime import timedelta

import pytest

from tests.imports.conftest import Importer
from webapp.core.database import utcnow
from webapp.core.jobs import JobRun
from webapp.core.tenancy import CHECKED
from webapp.imports import jobs, rules

pytestmark = pytest.mark.both_databases
COUNT = 25
SHEET = "Tag,Name,Category\n" + "".join(f"T-{number:03d},Thing {number},Tools\n" for number in range(COUNT))


class Killed(BaseException):
    """What stands in for kill -9: nothing catches it."""


@pytest.fixture
def in_small_chunks(monkeypatch):
    """Make every job work in chunks of ten rows."""
    for name in ("CHECK_CHUNK", "APPLY_CHUNK", "UNDO_CHUNK"):
        monkeypatch.setattr(jobs, name, 10)


def killed_at(monkeypatch, importer: Importer, import_id: int, commit: int) -> None:
    """Run the import's job and kill it before its nth commit; its lease is then over."""
    commits = []
    plain_commit = JobRun.commit

    def dying(run: JobRun) -> None:
        commits.append(1)
        if len(commits) == commit:
            raise Killed
        plain_commit(run)

    monkeypatch.setattr(JobRun, "commit", dying)
    with pytest.raises(Killed):
        importer.run(import_id)
    monkeypatch.setattr(JobRun, "commit", plain_commit)
    table = jobs.IMPORTS.metadata.tables["jobs"]
    with importer.organization.context() as context:
        mine = table.c.organization_id == context.organization_id
        past = utcnow() - timedelta(minutes=5)
        context.session.execute(table.update().where(mine).values(locked_until=past), execution_options=CHECKED)
        context.session.commit()


@pytest.fixture
def checked(importer: Importer, in_small_chunks) -> int:
    """Return a checked import that will create 25 things and their category."""
    import_id = importer.upload(SHEET)
    importer.do(rules.change, import_id, options={"create": ["categories"]})
    return import_id


def test_a_killed_check_starts_over_with_the_same_result(importer: Importer, in_small_chunks, monkeypatch):
    import_id = importer.upload(SHEET, run=False)
    killed_at(monkeypatch, importer, import_id, commit=4)

    importer.run(import_id)

    row = importer.get(import_id)
    assert (row["state"], row["total"], row["counts"]) == ("checked", COUNT, {"error": COUNT})
    assert [line["number"] for line in importer.rows(import_id)] == list(range(2, COUNT + 2))


@pytest.mark.parametrize("commit", [1, 2, 3])
def test_a_killed_apply_goes_on_at_its_cursor(importer: Importer, checked: int, monkeypatch, commit: int):
    importer.do(rules.apply, checked, run=False)
    killed_at(monkeypatch, importer, checked, commit)
    assert len(importer.living()) == (commit - 1) * 10

    importer.run(checked)

    assert importer.get(checked)["counts"] == {"create": COUNT, "created": COUNT}
    assert [row["tag"] for row in importer.living()] == [f"T-{number:03d}" for number in range(COUNT)]
    assert len(importer.living("categories")) == 1
    assert all(line["applied_at"] and line["item_id"] for line in importer.rows(checked))


def test_a_finished_apply_that_is_run_again_does_nothing(importer: Importer, checked: int):
    importer.do(rules.apply, checked)

    importer.run(checked)

    assert len(importer.living()) == COUNT


def test_a_killed_undo_goes_on(importer: Importer, checked: int, monkeypatch):
    importer.do(rules.apply, checked)
    importer.do(rules.undo, checked, run=False)
    killed_at(monkeypatch, importer, checked, commit=2)
    assert 0 < len(importer.living()) < COUNT

    importer.run(checked)

    assert importer.living() == importer.living("categories") == []
    assert importer.get(checked)["counts"]["removed"] == COUNT + 1


def test_a_chunk_that_meets_somebody_faster_is_planned_again(importer: Importer, checked: int, monkeypatch):
    importer.do(rules.apply, checked, run=False)
    plain_write, calls = jobs.write_rows, []

    def raced(context, resource, drafts, note=None):
        calls.append(1)
        if len(calls) == 2:
            raise jobs.Conflict("somebody was faster")
        return plain_write(context, resource, drafts, note)

    monkeypatch.setattr(jobs, "write_rows", raced)
    importer.run(checked)

    assert importer.get(checked)["counts"] == {"create": COUNT, "created": COUNT}
    assert len(importer.living("categories")) == 1


def test_progress_is_kept_with_the_rows(importer: Importer, checked: int, monkeypatch):
    importer.do(rules.apply, checked, run=False)
    killed_at(monkeypatch, importer, checked, commit=3)

    job = importer.get(checked)["job"]
    assert (job["done"], job["total"], job["counts"]["created"]) == (20, COUNT, 20)
