"""An organization goes into a file and comes out of it as another one: the same but for its ids, or not at all."""

import io
import re
import uuid
import zipfile
from datetime import timedelta

import orjson
import pytest
import time_machine

from tests.archives.canonical import canonical
from tests.archives.conftest import archive_of, packed, parts_of, with_row
from tests.factories import CANARY, having, make, songs
from tests.households import PASSWORD, Household, found_organization, unique
from tests.rows import stored
from webapp.accounts.models import ApiKey
from webapp.archives import rules
from webapp.archives.carried import carried_tables
from webapp.archives.container import Bounds
from webapp.archives.incoming import Owner, Refused, opened
from webapp.archives.jobs import bring_in
from webapp.core import identity, seals
from webapp.core.access import permissions_of
from webapp.core.activity import Activity
from webapp.core.context import Actor
from webapp.core.database import db, table_of, utcnow
from webapp.core.errors import Conflict, Forbidden, NotFound
from webapp.core.files import store
from webapp.core.jobs import JOBS, enqueue, run_job
from webapp.core.resource import registry
from webapp.core.tenancy import new_session
from webapp.core.undo import undo_all
from webapp.faces.saved_views import views_of
from webapp.imports import rules as imports

LISTS = [resource for resource in having("list") if resource.table in carried_tables()]


def owner_of(household, face="cli"):
    return Owner(household.owner.user_id, household.owner.name, household.email, face)


def brought(household, archive, name="", **options):
    """Return the organization that comes out of an archive, with the same owner."""
    with household.app.app_context():
        tenant = bring_in(io.BytesIO(archive), "k.zip", lambda _session: owner_of(household), guid=str(uuid.uuid4()), name=name, **options)  # fmt: skip
    actor = Actor(household.owner.name, "owner", permissions_of("owner"), "page", user_id=household.owner.user_id)
    return Household(household.app, tenant, actor, household.email)


@pytest.fixture(scope="module")
def copy(kestrel, archive):
    """The organization that comes out of Kestrel's archive."""
    return brought(kestrel, archive, unique("Copy"))


def test_what_comes_out_of_an_archive_makes_the_same_archive(archive, copy):
    before, after = canonical(archive), canonical(archive_of(copy))

    lines, again = before.pop("activity"), after.pop("activity")
    assert after == before
    same = ("at", "actor_name", "face", "change_set_id", "item_type", "item_name", "event", "note", "forced", "changes")
    carried = [line for line in lines if line["item_type"] not in {"memberships", "api_keys"}]
    kept = {line["id"]: line for line in again}
    for line in carried:
        assert {name: kept[line["id"]][name] for name in (*same, "item_id")} == {
            name: line[name] for name in (*same, "item_id")
        }
    assert [line["item_type"] for line in again[len(lines) :]] == ["organizations", "memberships"]


def test_every_list_says_the_same_of_both(kestrel, copy):
    there, here = kestrel.api_client(), copy.api_client()
    for resource in LISTS:
        pages = [api.get(f"{resource.name}?per_page=100&sort=id").json for api in (there, here)]
        for field in ("guid", "name", "tag", "serial_number", "purchase_cost", "custom", "created_at", "version", "category", "location", "manager"):  # fmt: skip
            assert [row.get(field) for row in pages[1]["data"]] == [row.get(field) for row in pages[0]["data"]], (
                resource.name
            )
        assert pages[1]["pagination"]["total"] == pages[0]["pagination"]["total"] > 0, resource.name
    found = [api.get("assets?q=camera&fields=tag").json["data"] for api in (there, here)]
    assert found[0] == found[1]


def test_things_stay_inside_each_other_and_filters_by_own_fields_find_them(copy):
    api = copy.api_client()

    row = api.get("assets?custom.ram=16.5").json["data"][0]

    assert row["purchase_cost"] == "1250.0625"
    assert api.get(f"assets/{row['parent_id']}").json["data"]["tag"] == row["parent"]
    with_boss = [place for place in api.get("locations?per_page=100").json["data"] if place["manager_id"]]
    assert {api.get(f"persons/{place['manager_id']}").status_code for place in with_boss} == {200}
    assert api.get("assets/{id}/history".format(**row)).json["data"][0]["event"] == "Update"


def test_the_history_is_sealed_anew_and_goes_on(copy):
    api = copy.api_client()
    row = api.get("assets?per_page=1").json["data"][0]
    assert api.patch(f"assets/{row['id']}", {"notes": "It goes on."}).status_code == 200

    with copy.app.app_context(), new_session(copy.id, write=True) as session:
        while seals.seal_finished(session):
            pass
        session.commit()
        assert seals.first_fault(session) is None


def test_a_change_of_before_can_be_taken_back_by_what_came_along(kestrel, archive):
    here = brought(kestrel, archive)
    api = here.api_client()
    row = api.get("assets?custom.ram=16.5").json["data"][0]
    line = api.get(f"assets/{row['id']}/history").json["data"][0]

    with here.context() as context:
        report = undo_all(context, line["change_set_id"])
        context.session.commit()

    assert (report.restored, report.kept) == (1, [])
    assert api.get(f"assets/{row['id']}").json["data"]["parent_id"] is None
    assert api.get("assets?custom.ram=16.5").json["data"] == []


def test_the_stored_files_come_along_under_keys_of_their_own(kestrel, copy):
    with copy.context() as context:
        row = imports.list_imports(context)[0][0]
        assert store().open(row["file_key"], copy.id).read() == b"Name,Category\nThermal camera,Cameras\n"
        with pytest.raises(NotFound):
            store().open(row["file_key"], kestrel.id)


def test_nobody_but_the_owner_comes_in_and_the_others_are_listed(kestrel):
    kestrel.member_client("technician")
    here = brought(kestrel, archive_of(kestrel))

    members = here.api_client().get("members").json["data"]
    with here.context() as context:
        origin = rules.list_archives(context)[0]

    assert [(row["role"], row["user_id"]) for row in members] == [("owner", kestrel.owner.user_id)]
    assert "technician" in {member["role"] for member in origin["members"]}
    assert kestrel.email not in {member["email"] for member in origin["members"]}
    assert {name for member in origin["members"] for name in member} == {"email", "name", "role"}


def test_another_owner_gets_the_shared_views_and_is_nobody_in_the_old_history(kestrel, archive, organization):
    here = brought(organization, archive)

    with here.context() as context:
        assert [view["name"] for view in views_of(context, registry.resources["assets"]).rows] == ["Inside"]
        table = table_of(Activity)
        query = db.select(table.c.actor_user_id).where(table.c.organization_id == here.id, table.c.at < context.at)
        actors = set(context.session.execute(query, execution_options={"tenant_checked": True}).scalars())
    assert kestrel.owner.user_id not in actors


def test_an_archive_holds_nothing_of_another_organization_and_no_secret(app, kestrel):
    aviary = found_organization(app, f"{CANARY} {unique('Aviary')}")
    for name in ("assets", "persons", "locations"):
        make(aviary, name, **songs(name))
    token = kestrel.api_client().token
    with kestrel.context() as context:
        user = identity.find_user(kestrel.email)
        keys = list(context.session.scalars(db.select(ApiKey.secret_hash)))

    content = b"".join(parts_of(archive_of(kestrel)).values()).decode()

    assert CANARY not in content.casefold()
    assert len(keys) > 0
    for secret in (user["password_hash"], "argon2", "totp", token[:28], PASSWORD, *keys):
        assert secret not in content


def nothing_new(household, archive, sentence):
    """Check that an archive is refused with a sentence and leaves nothing behind."""
    app = household.app
    with app.app_context():
        before = identity.organization_ids(), set(store().system.find(store().root))
        with pytest.raises(Refused, match=sentence):
            bring_in(io.BytesIO(archive), "k.zip", lambda _session: owner_of(household), guid=str(uuid.uuid4()))
        assert (identity.organization_ids(), set(store().system.find(store().root))) == before


def changed(**values):
    return lambda row: row.update(values)


def test_a_file_that_was_tampered_with_is_refused_and_leaves_nothing(kestrel, archive):
    parts = parts_of(archive)
    body = parts["tables/assets.jsonl"]
    settings = orjson.loads(parts["manifest.json"])["organization"]
    wrong = {
        "not an archive": b"nothing of ours",
        "not an archive of": archive[: len(archive) // 2],
        "assets.jsonl is damaged": packed(
            parts | {"tables/assets.jsonl": body.replace(b'"name"', b'"mane"', 1)}, digests=False
        ),
        "does not name the parts": packed(parts | {"tables/extra.jsonl": b"{}\n"}, digests=False),
        "name that leads elsewhere": packed(parts | {"../../etc/passwd": b"x"}),
        "of no kind": packed(parts | {"tables/users.jsonl": b"{}\n"}),
        "newer version": packed(parts, version=2),
        "A newer version": packed(parts, revision="20991231_2359"),
        "describes no organisation": packed(parts, organization=settings | {"timezone": "Mars/Olympus"}),
        "too big": packed(parts | {"files/000009": bytes(80 * 2**20)}),
    }
    for sentence, file in wrong.items():
        nothing_new(kestrel, file, sentence)


def test_a_row_that_was_written_by_hand_is_refused_and_leaves_nothing(kestrel, archive):
    for table, change, sentence in (
        ("assets", changed(password="x"), "there is no column password"),
        ("assets", changed(organization_id=1), "there is no column organization_id"),
        ("assets", changed(tag=5), "tag holds what it cannot"),
        ("assets", changed(tag=None), "tag is empty"),
        ("assets", changed(tag="x\x00"), "tag holds what it cannot"),
        ("assets", changed(tag="x" * 300), "tag holds what it cannot"),
        ("assets", changed(purchase_cost="NaN"), "purchase_cost holds"),
        ("assets", changed(purchase_cost="1.00001"), "purchase_cost holds"),
        ("assets", changed(purchased_on="2026-02-30"), "purchased_on holds"),
        ("assets", changed(created_at="2026-01-01T00:00:00"), "created_at holds"),
        ("assets", changed(condition=2**40), "condition holds"),
        ("assets", changed(status_id=999_999_999), "status_id leads to what the archive does not hold"),
        ("assets", changed(custom={"999999999": 1}), "custom names a field"),
        ("assets", changed(custom={"../x": 1}), "custom names a field"),
        ("assets", changed(id=-5), "id is there twice"),
        ("activity", changed(changes={"name": "x"}), "changes holds"),
        ("activity", changed(changes={"custom.x": [1, 2]}), "changes holds"),
        ("imports", changed(state="dancing"), "contradict each other"),
        ("custom_values", changed(row_id=999_999_999), "row_id leads"),
        ("locations", changed(kind="galaxy"), "contradict each other"),
        ("custom_fields", changed(options={"a": 1}), "options holds"),
    ):
        nothing_new(kestrel, with_row(archive, table, change), sentence)


def test_places_that_stand_in_each_other_are_refused(kestrel, archive):
    parts = parts_of(archive)
    rows = [orjson.loads(line) for line in parts["tables/locations.jsonl"].splitlines()]
    first, second = rows[:2]
    for row, outer in ((first, second), (second, first)):
        row |= {"parent_id": outer["id"], "parent_key": outer["id"]}
    file = packed(parts | {"tables/locations.jsonl": b"\n".join(map(orjson.dumps, rows))})

    nothing_new(kestrel, file, "leads in a circle")


def test_an_archive_of_an_older_version_lacks_columns_that_came_since(kestrel, archive):
    here = brought(kestrel, with_row(archive, "assets", lambda row: row.pop("is_byod")))

    assert here.api_client().get("assets?sort=id&per_page=1").status_code == 200


def test_a_directory_or_a_line_that_is_too_long_is_refused(archive):
    with pytest.raises(Refused, match="not an archive"), opened(io.BytesIO(archive), Bounds(directory=100)):
        pass
    with pytest.raises(Refused, match="too big"), opened(io.BytesIO(archive), Bounds(parts=3)):
        pass
    endless = packed(parts_of(archive) | {"tables/assets.jsonl": b'{"tag":"' + b"x" * 5 * 2**20 + b'"}'})
    with pytest.raises(Refused, match="too long"), opened(io.BytesIO(endless)) as incoming:
        incoming.survey()


def test_an_encrypted_archive_is_refused(kestrel, archive):
    file = bytearray(archive)
    with zipfile.ZipFile(io.BytesIO(archive)) as opened_file:
        offsets = [info.header_offset for info in opened_file.infolist()]
    for offset in offsets:
        file[offset + 6] |= 1
    for start in [found.start() for found in re.finditer(b"PK\x01\x02", archive)]:
        file[start + 8] |= 1

    nothing_new(kestrel, bytes(file), "not an archive")


def work_through(household, archive_id):
    """Have the worker do an archive's job; return the archive as its maker sees it then."""
    with household.context() as context:
        job_id = rules.get_archive(context, archive_id)["job_id"]
    with household.app.app_context():
        run_job(household.id, job_id)
    with household.context() as context:
        return rules.get_archive(context, archive_id)


def test_an_owner_has_an_archive_made_once_at_a_time_fetches_it_and_throws_it_away(organization):
    with organization.context() as context:
        archive_id = rules.make(context)
        with pytest.raises(Conflict):
            rules.make(context)
        context.session.commit()
    row = work_through(organization, archive_id)

    with organization.context() as context:
        _row, file = rules.open_file(context, archive_id)
        with file:
            assert "tables/assets.jsonl" in zipfile.ZipFile(file).namelist()
        rules.remove(context, archive_id)
        context.session.commit()
        with pytest.raises(NotFound):
            rules.open_file(context, archive_id)
        with pytest.raises(NotFound):
            store().open(row["file_key"], organization.id)


def test_the_file_of_an_archive_goes_after_a_week(organization):
    with organization.context() as context:
        archive_id = rules.make(context)
        context.session.commit()
    work_through(organization, archive_id)
    removal = next(job for job in jobs_of(organization) if job["kind"] == "archive_remove")

    with organization.app.app_context():
        at_once = run_job(organization.id, removal["id"])
        with time_machine.travel(utcnow() + timedelta(days=7, minutes=1)):
            later = run_job(organization.id, removal["id"])

    assert (at_once, later) == (False, True)
    with organization.context() as context, pytest.raises(NotFound):
        rules.open_file(context, archive_id)


def jobs_of(household):
    with household.context() as context:
        return stored(context, JOBS)


def test_only_owners_have_to_do_with_archives(organization):
    with organization.context(organization.actor("admin")) as context:
        for act in (
            rules.make,
            rules.list_archives,
            lambda c: rules.open_file(c, 1),
            lambda c: rules.upload(c, io.BytesIO(), "x"),
        ):
            with pytest.raises(Forbidden):
                act(context)


def test_an_uploaded_archive_becomes_an_organization_of_who_brought_it(organization, archive):
    with organization.context() as context:
        archive_id = rules.upload(context, io.BytesIO(archive), "C:\\old\\kestrel.zip")
        context.session.commit()
    row = work_through(organization, archive_id)

    assert (row["state"], row["filename"], row["file_key"], row["staged"]) == ("ready", "kestrel.zip", None, [])
    with organization.app.app_context():
        made = identity.memberships(organization.owner.user_id)
    assert (row["made_guid"], "owner") in {(tenant.guid, role) for tenant, role in made}


def test_a_worker_that_is_killed_before_it_could_say_so_makes_no_second_one(organization, archive):
    with organization.context() as context:
        archive_id = rules.upload(context, io.BytesIO(archive), "kestrel.zip")
        context.session.commit()
    made = work_through(organization, archive_id)["made_slug"]
    with organization.context() as context:
        before = identity.organization_ids()
        job_id = enqueue(context, "archive_bring_in", {"archive_id": archive_id})
        rules.change(context, archive_id, state="working", made_slug=None, job_id=job_id)
        context.session.commit()

    row = work_through(organization, archive_id)

    assert (row["state"], row["made_slug"]) == ("ready", made)
    with organization.app.app_context():
        assert identity.organization_ids() == before


def test_files_that_a_killed_worker_had_stored_go_when_another_one_begins(organization, archive):
    with organization.context() as context:
        archive_id = rules.upload(context, io.BytesIO(archive), "kestrel.zip")
        orphan = store().save(io.BytesIO(b"orphan"), organization.id + 1_000_000).key
        rules.change(context, archive_id, staged=[orphan])
        context.session.commit()

    assert work_through(organization, archive_id)["state"] == "ready"
    with organization.context(), pytest.raises(NotFound):
        store().open(orphan, organization.id + 1_000_000)


def test_an_uploaded_archive_that_is_damaged_says_so_and_its_file_goes(organization, archive):
    with organization.context() as context:
        file = with_row(archive, "assets", changed(status_id=999_999_999))
        archive_id = rules.upload(context, io.BytesIO(file), "kestrel.zip")
        key = rules.get_archive(context, archive_id)["file_key"]
        context.session.commit()
    row = work_through(organization, archive_id)

    assert (row["state"], row["file_key"], row["made_slug"]) == ("failed", None, None)
    assert "status_id leads to what the archive does not hold" in row["message"]
    with organization.context(), pytest.raises(NotFound):
        store().open(key, organization.id)
