"""Exports: what may be saved, with whose rights they run, when they are made again, who is mailed, who gets the file."""

import io
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from python_calamine import CalamineWorkbook

from tests.households import PASSWORD, Household, unique
from tests.reports.conftest import Exporter
from tests.rows import lines, second_of_two
from webapp.accounts.rules import add_member, create_api_key, membership_of, revoke_api_key
from webapp.core.context import Actor
from webapp.core.database import utcnow
from webapp.core.errors import Conflict, Invalid, NotFound
from webapp.core.jobs import JOBS
from webapp.core.parameters import ListParameters
from webapp.core.query import get_row, list_rows
from webapp.core.resource import registry
from webapp.core.tenancy import new_session
from webapp.core.writes import delete, restore, update
from webapp.reports import jobs, rules
from webapp.reports.models import EXPORTS, RUNS
from webapp.reports.rights import holder_of

DAY = timedelta(days=1)


def member(organization: Household, role: str, scope: int | None = None) -> Actor:
    """Let somebody in and return them as they act."""
    email = f"{unique(role)}@example.org"
    with organization.context() as context:
        made = add_member(context, email=email, name=role, password=PASSWORD, role=role, scope_location_id=scope)
        context.session.commit()
        row = {"runs_as_user_id": made.user_id, "runs_as_key_id": None, "runs_as_name": role}
        return holder_of(context, row)


def demote(organization: Household, actor: Actor, **values: Any) -> None:
    """Change a member behind the rules' back."""
    with organization.context() as context:
        found = membership_of(context, actor.user_id or 0)
        for name, value in values.items():
            setattr(found, name, value)
        context.session.commit()


def wrong(exporter: Exporter, **patch: Any) -> set[str]:
    with pytest.raises(Invalid) as refused:
        exporter.save(**patch)
    return set(refused.value.errors)


def test_an_export_without_a_schedule_is_made_at_once(exporter: Exporter):
    row_id = exporter.save(schedule="none", query="name_not=Nikon&sort=-name", fields=["name"])
    exporter.work()

    (run,) = exporter.stored(RUNS)
    assert exporter.names(run) == ["Sony", "'=Canon"]
    assert (run["rows"], run["bytes"], run["error"]) == (2, len(exporter.read(run)), None)
    row = exporter.row(row_id)
    assert (row["last_state"], row["last_rows"], row["next_run_at"]) == ("done", 2, None)
    assert exporter.letters() == []


def test_each_format_holds_the_list(exporter: Exporter):
    runs = {}
    for form in ("csv", "xlsx", "jsonl"):
        runs[form] = exporter.run(exporter.save(format=form, query="sort=name"))

    sheet = CalamineWorkbook.from_filelike(io.BytesIO(exporter.read(runs["xlsx"]))).get_sheet_by_index(0).to_python()
    objects = [json.loads(line) for line in exporter.read(runs["jsonl"]).splitlines()]
    assert [row[0] for row in sheet[1:]] == exporter.names(runs["csv"]) == ["'=Canon", "Nikon", "Sony"]
    assert [found["name"] for found in objects] == ["=Canon", "Nikon", "Sony"]
    assert sheet[0][-1] == "Global id"
    assert [row[-1] for row in sheet[1:]] == [found["guid"] for found in objects]


def test_what_makes_no_sense_is_refused_by_its_name(exporter: Exporter):
    assert wrong(exporter, query="nonsense=1") == {"query"}
    assert wrong(exporter, query="no query at all") == {"query"}
    assert wrong(exporter, query="category_id=x&sort=nothing") == {"query"}
    assert wrong(exporter, fields=["nothing"]) == {"fields"}
    assert wrong(exporter, schedule="weekly") == {"weekday"}
    assert wrong(exporter, schedule="monthly") == {"month_day"}
    for address in ("nobody", "a@b.example\nBcc: c@d.example", "Ann <a@b.example>"):
        assert wrong(exporter, receivers=[address]) == {"receivers"}
    assert wrong(exporter, receivers=[f"a{number}@b.example" for number in range(21)]) == {"receivers"}
    assert exporter.stored(EXPORTS) == []


def test_a_query_is_kept_in_one_spelling_without_its_page(exporter: Exporter):
    row = exporter.row(exporter.save(query="?sort=name&page=3&per_page=10&name=Sony&fields=name,url"))

    assert (row["query"], row["fields"]) == ("name=Sony&sort=name", ["name", "url"])


def test_nobody_exports_what_they_may_not_read(exporter: Exporter, organization: Household):
    manager, technician = member(organization, "manager"), member(organization, "technician")

    with pytest.raises(Invalid, match="resource"):
        exporter.save(manager, resource="api-keys")
    with pytest.raises(Invalid, match="query"):
        exporter.save(technician, query="deleted=true")
    assert exporter.stored(EXPORTS) == []


@pytest.mark.parametrize("loss", ["removed", "switched off", "demoted"])
def test_who_lost_their_rights_makes_the_run_fail_and_nobody_is_mailed(exporter: Exporter, organization, loss):
    manager = member(organization, "manager")
    row_id = exporter.save(manager, receivers=["ops@example.org"])
    lost: dict[str, Any] = {
        "removed": {"deleted_at": utcnow()},
        "switched off": {"is_active": False},
        "demoted": {"role": "technician"},
    }
    demote(organization, manager, **lost[loss])

    run = exporter.run(row_id)

    assert "manager, with whose rights it runs" in run["error"]
    assert (run["file_key"], run["rows"], exporter.row(row_id)["last_state"]) == (None, None, "failed")
    assert exporter.letters() == []


def test_a_revoked_key_makes_the_run_fail(exporter: Exporter, organization: Household):
    with organization.context() as context:
        key, _token = create_api_key(context, "Robot", ["exports:write", "manufacturers:read"])
        context.session.commit()
    permissions = frozenset({"exports:write", "manufacturers:read"})
    row_id = exporter.save(Actor(name="Robot", role="key", permissions=permissions, face="api", api_key_id=key.id))
    first = exporter.run(row_id)
    with organization.context() as context:
        revoke_api_key(context, key.id)
        context.session.commit()

    second = exporter.run(row_id)

    assert (first["error"], first["rows"]) == (None, 3)
    assert "Robot, with whose rights it runs, is no longer here." in second["error"]


def test_an_export_shows_the_part_of_the_tree_that_its_maker_sees_now(exporter: Exporter, organization: Household):
    lisbon, porto = (exporter.add("locations", name=name) for name in ("Lisbon", "Porto"))
    manager = member(organization, "manager")
    row_id = exporter.save(manager, resource="locations", fields=["name"], query="sort=name")
    before = exporter.run(row_id)
    demote(organization, manager, scope_location_id=porto)

    after = exporter.run(row_id)

    assert (exporter.names(before), exporter.names(after)) == (["Lisbon", "Porto"], ["Porto"])
    assert (before["scope_location_id"], after["scope_location_id"]) == (None, porto)
    narrowed = member(organization, "manager", porto)
    with organization.context(Actor(**{**actor_values(manager), "scope_location_id": porto})) as context:
        assert rules.file_of(context, row_id, after["id"])["id"] == after["id"]
        with pytest.raises(NotFound):
            rules.file_of(context, row_id, before["id"])
    with organization.context(narrowed) as context, pytest.raises(NotFound):
        get_row(context, registry.resources["exports"], row_id)
    assert lisbon


def actor_values(actor: Actor) -> dict[str, Any]:
    return {name: getattr(actor, name) for name in Actor.__slots__}


def test_whoever_changes_an_export_has_it_run_with_their_own_rights(exporter: Exporter, organization: Household):
    manager = member(organization, "manager")
    row_id = exporter.save(resource="manufacturers")
    with organization.context(manager) as context:
        update(context, registry.resources["exports"], row_id, {"name": "Makers"})
        context.session.commit()
    untouched = exporter.row(row_id)["runs_as_user_id"]
    with organization.context(manager) as context:
        update(context, registry.resources["exports"], row_id, {"receivers": ["ann@example.org"]})
        context.session.commit()

    assert untouched == organization.owner.user_id
    assert exporter.row(row_id)["runs_as_user_id"] == manager.user_id


def test_what_an_export_of_a_secret_list_made_is_for_those_who_may_read_it(exporter: Exporter, organization: Household):
    secret = exporter.save(resource="api-keys")
    turned = exporter.save(resource="api-keys")
    exporter.run(secret)
    run = exporter.run(turned)
    exporter.change(turned, resource="manufacturers")

    with organization.context(member(organization, "auditor")) as context:
        shown = list_rows(context, registry.resources["exports"], ListParameters())
        assert [row["id"] for row in shown.rows] == [turned]
        with pytest.raises(NotFound):
            rules.file_of(context, secret)
        with pytest.raises(NotFound):
            rules.file_of(context, turned, run["id"])
        assert rules.list_runs(context, turned)


def test_a_filter_that_has_become_invalid_fails_with_a_sentence(exporter: Exporter):
    exporter.add("custom-fields", resource="manufacturers", name="Colour", slug="colour", kind="text")
    row_id = exporter.save(query="custom.colour=red", receivers=["ops@example.org"])
    (field,) = exporter.stored(registry.resources["custom-fields"].table)
    with exporter.organization.context() as context:
        delete(context, registry.resources["custom-fields"], field["id"])
        context.session.commit()

    run = exporter.run(row_id)

    assert run["error"] == (
        "The list no longer knows what is asked for. “custom.colour”: There is no such filter here."
    )
    assert exporter.letters() == []


def test_an_export_is_made_once_a_day_and_mailed_once(exporter: Exporter):
    row_id = exporter.save(receivers=["ann@example.org", "ops@example.org"], fields=["name"])
    due = exporter.row(row_id)["next_run_at"]

    started = [exporter.look(due - timedelta(minutes=1)), exporter.look(due), exporter.look(due)]

    assert started == [0, 1, 0]
    (letter,) = exporter.letters()
    assert letter["To"] == "ann@example.org, ops@example.org"
    assert letter["Subject"] == "Export: Makers"
    (file,) = letter.iter_attachments()
    assert file.get_filename().endswith(".csv")
    assert file.get_payload(decode=True) == exporter.read(exporter.stored(RUNS)[0])
    assert exporter.row(row_id)["next_run_at"] == due + DAY


def test_a_worker_that_was_away_for_three_days_makes_one_run(exporter: Exporter):
    row_id = exporter.save(receivers=["ops@example.org"])
    due = exporter.row(row_id)["next_run_at"]

    started = [exporter.look(due + 3 * DAY + timedelta(hours=1)), exporter.look(due + 3 * DAY + timedelta(hours=2))]

    assert started == [1, 0]
    assert len(exporter.letters()) == 1
    assert exporter.row(row_id)["next_run_at"] == due + 4 * DAY


def test_two_workers_that_look_at_once_start_one_run(exporter: Exporter, organization: Household):
    row_id = exporter.save()
    due = exporter.row(row_id)["next_run_at"]
    row = exporter.row(row_id)

    def look(context: Any) -> None:
        answers.append(rules.start_when_due(replace(context, at=due), row))

    answers: list[bool] = []
    assert second_of_two(organization, look) is None
    assert sorted(answers) == [False, True]
    assert len(exporter.stored(RUNS)) == 1


class Killed(BaseException):
    """A worker that is no more."""


@pytest.mark.parametrize("moment", ["the list is read", "the file is kept", "the letter is queued"])
def test_a_worker_killed_on_the_way_leaves_one_letter(exporter: Exporter, monkeypatch, moment):
    row_id = exporter.save(receivers=["ops@example.org"])
    with exporter.organization.context() as context:
        job_id = rules.start(context, exporter.row(row_id))
        context.session.commit()
    place = {"the list is read": "_write", "the file is kept": "rules", "the letter is queued": "enqueue"}[moment]
    with monkeypatch.context() as patch:
        if place == "rules":
            patch.setattr(rules, "finish", killed)
        else:
            patch.setattr(jobs, place, killed)
        with pytest.raises(Killed):
            exporter.run_job(job_id)
    exporter.set(JOBS, job_id, locked_until=utcnow() - timedelta(seconds=1))

    ran = [exporter.run_job(job_id), exporter.run_job(job_id)]

    assert ran == [True, False]
    assert len(exporter.letters()) == 1
    assert [run["rows"] for run in exporter.stored(RUNS)] == [3]


def killed(*_args: Any, **_values: Any) -> None:
    raise Killed


def test_a_run_that_fails_for_no_reason_of_its_own_is_tried_again_and_says_so_in_the_end(exporter, monkeypatch):
    row_id = exporter.save()
    with exporter.organization.context() as context:
        job_id = rules.start(context, exporter.row(row_id))
        context.session.commit()

    def full(*_args: Any) -> int:
        raise OSError("no space left")

    monkeypatch.setattr(jobs, "_write", full)
    for attempt in range(5):
        assert exporter.row(row_id)["last_state"] == "running", attempt
        exporter.set(JOBS, job_id, run_at=utcnow())
        exporter.run_job(job_id)

    assert exporter.row(row_id)["last_state"] == "failed"
    assert "five times" in exporter.stored(RUNS)[0]["error"]


def test_a_large_file_is_not_mailed_but_linked(exporter: Exporter, monkeypatch):
    monkeypatch.setattr(jobs, "MOST_ATTACHED", 10)
    row_id = exporter.save(name="Makers\r\nBcc: eve@example.org", receivers=["ops@example.org"])

    exporter.run(row_id)

    (letter,) = exporter.letters()
    assert list(letter.iter_attachments()) == []
    assert (letter["Bcc"], letter["Subject"]) == (None, "Export: Makers Bcc: eve@example.org")
    assert f"http://localhost/exports/{row_id}" in letter.get_body(("plain",)).get_content()


def test_the_job_table_holds_no_file(exporter: Exporter):
    exporter.run(exporter.save(receivers=["ops@example.org"]))

    (payload,) = [job["payload"] for job in exporter.stored(JOBS) if job["kind"] == "mail"]
    (run,) = exporter.stored(RUNS)
    assert payload["files"] == [{"key": run["file_key"], "name": run["filename"], "type": "text/csv"}]


def test_a_file_is_for_thirty_days(exporter: Exporter, organization: Household):
    row_id = exporter.save()
    run = exporter.run(row_id)
    at = run["finished_at"] + timedelta(days=30)

    with exporter.app.app_context():
        jobs.throw_away(at)
        still = exporter.read(run)
        jobs.throw_away(at + timedelta(seconds=1))

    assert still.count(b"\n") == 4
    assert exporter.stored(RUNS)[0]["file_key"] is None
    with organization.context() as context, pytest.raises(NotFound, match="30 days"):
        rules.file_of(context, row_id)
    with pytest.raises(NotFound):
        exporter.read(run)


def test_there_is_no_file_while_it_is_made_and_none_of_a_failure(exporter: Exporter, organization: Household):
    row_id = exporter.save(schedule="none")
    with organization.context() as context:
        with pytest.raises(Conflict) as early:
            rules.file_of(context, row_id)
        with pytest.raises(Conflict) as twice:
            rules.run_now(context, [row_id], {})
    demote(organization, organization.owner, is_active=False)
    exporter.work()

    with organization.context() as context, pytest.raises(Conflict) as failed:
        rules.file_of(context, row_id)

    assert [error.value.code for error in (early, twice, failed)] == ["not_ready", "running", "failed"]


def test_a_deleted_export_is_not_made_and_comes_back_for_its_next_day(exporter: Exporter, organization: Household):
    row_id, exports = exporter.save(), registry.resources["exports"]
    due = exporter.row(row_id)["next_run_at"]
    with organization.context() as context:
        delete(context, exports, row_id)
        context.session.commit()
    assert exporter.look(due + DAY) == 0
    exporter.set(EXPORTS, row_id, next_run_at=due - 2 * DAY)

    with organization.context() as context:
        restore(context, exports, row_id)
        context.session.commit()

    assert exporter.row(row_id)["next_run_at"] == due
    assert exporter.look(due - timedelta(minutes=1)) == 0


def test_a_run_is_no_edit_of_its_export(exporter: Exporter, organization: Household):
    row_id = exporter.save()
    before = exporter.row(row_id)

    exporter.run(row_id)

    after = exporter.row(row_id)
    assert (after["version"], after["updated_at"]) == (before["version"], before["updated_at"])
    with organization.context() as context:
        assert [line["event"] for line in lines(context, "exports", row_id)] == ["Create"]


def test_an_export_of_nothing_is_a_file_with_a_heading(exporter: Exporter):
    assert exporter.names(exporter.run(exporter.save(query="name=Nobody"))) == []


def test_a_list_is_read_in_a_session_of_its_own(exporter: Exporter, monkeypatch):
    """The job holds no lock while it reads: others write meanwhile."""
    seen = []
    real = jobs.list_blocks

    def with_a_writer(*args: Any) -> Any:
        with new_session(exporter.organization.id, write=True) as session:
            session.connection()
            seen.append(True)
        return real(*args)

    monkeypatch.setattr(jobs, "list_blocks", with_a_writer)
    run = exporter.run(exporter.save())

    assert (seen, run["rows"]) == ([True], 3)
