"""`bin/backup` and `bin/restore`: a whole installation goes into one file and comes back in an empty place."""

import io
import json
import os
import shutil
import subprocess
import zipfile
from pathlib import Path

import orjson
import pytest
from sqlalchemy import MetaData, create_engine, pool, select

import config
from tests.clients import PageClient
from tests.conftest import on_postgresql
from tests.factories import make
from tests.households import PASSWORD, anonymous_client, found_organization
from webapp.archives.backup import FILES, back_up, stored_keys
from webapp.archives.container import Unreadable
from webapp.archives.restore import restore
from webapp.core.files import Store
from webapp.core.secrets import MASTER_FILE
from webapp.imports import rules as imports
from webapp.schema import copies
from webapp.schema.copies import CannotCopy

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.both_databases


def settings_of(database, instance, **environ):
    urls = {"DATABASE_URL": database.url, "DATABASE_OWNER_URL": database.owner_url}
    return config.load({"INSTANCE_DIR": str(instance), **urls, **environ})


def run(script, *arguments, database, instance):
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("TEST_", "COV"))} | {
        "INSTANCE_DIR": str(instance),
        "DATABASE_URL": database.url,
        "DATABASE_OWNER_URL": database.owner_url,
    }
    return subprocess.run([ROOT / "bin" / script, *arguments], env=environ, capture_output=True, text=True)


def contents(database):
    """Return {table: its rows as text, sorted} of a whole database, read by its owner."""
    engine, tables = create_engine(database.migration_url, poolclass=pool.NullPool), MetaData()
    with engine.connect() as connection:
        tables.reflect(connection, resolve_fks=False)
        return {
            name: sorted(str(tuple(row)) for row in connection.execute(select(table)))
            for name, table in tables.tables.items()
            if "_search_" not in name
        }


def files_of(folder):
    store = Store(str(folder))
    return {key: store.open(key, int(key.partition("/")[0])).read() for key in stored_keys(store)}


@pytest.fixture(scope="module")
def installation(new_database, new_app, tmp_path_factory):
    """An installation with an organization, a few things and a stored file: (database, instance, household)."""
    database, instance = new_database(), tmp_path_factory.mktemp("live")
    app = new_app(database, instance)
    household = found_organization(app)
    make(household, "assets")
    with household.context() as context:
        imports.upload(context, "assets", io.BytesIO(b"Name,Category\nCamera,Cameras\n"), "cameras.csv")
        context.session.commit()
    return database, instance, household


@pytest.fixture(scope="module")
def backup(installation, tmp_path_factory):
    """The file that `bin/backup` makes of it."""
    database, instance, _household = installation
    place = tmp_path_factory.mktemp("backups") / "night.backup"
    done = run("backup", str(place), database=database, instance=instance)
    assert done.returncode == 0, done.stderr
    assert str(place) in done.stdout
    return place


@pytest.fixture
def empty(new_database, tmp_path):
    """An empty place: (database without tables, instance directory that is not there)."""
    return new_database(migrated=False), tmp_path / "instance"


def mended(backup, place, change):
    """Copy a backup with its manifest changed."""
    with zipfile.ZipFile(backup) as old, zipfile.ZipFile(place, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, json.dumps(change(json.loads(content))) if name == "manifest.json" else content)
    return place


def test_a_backup_comes_back_whole_in_an_empty_place_and_works_there(installation, backup, empty, new_app):
    (there, instance, household), (here, place) = installation, empty

    done = run("restore", str(backup), database=here, instance=place)

    assert done.returncode == 0, done.stderr
    assert contents(here) == contents(there)
    assert files_of(place / "files") == files_of(instance / "files") != {}
    assert (place / MASTER_FILE).read_bytes() == (instance / MASTER_FILE).read_bytes()
    app = new_app(here, place)
    assert anonymous_client(app).get("/readyz").status_code == 200
    assert isinstance(anonymous_client(app).sign_in(household.email, PASSWORD), PageClient)
    make(type(household)(app, household.tenant, household.owner, household.email), "assets")
    verified = app.test_cli_runner().invoke(args=["activity", "verify"])
    assert (verified.exit_code, verified.output) == (0, "ok\n")


def test_a_backup_is_for_its_owner_alone_and_names_the_digest_of_every_part(backup):
    with zipfile.ZipFile(backup) as file:
        manifest = orjson.loads(file.read("manifest.json"))
        parts = {part["name"] for part in manifest["parts"]}

    assert backup.stat().st_mode & 0o777 == 0o600
    assert {"database.copy", "master.key"} < parts
    assert sum(name.startswith(FILES) for name in parts) == 1
    assert all(len(part["sha256"]) == 64 for part in manifest["parts"])
    assert [path.name for path in backup.parent.iterdir()] == [backup.name]


def test_a_damaged_backup_says_which_part_and_leaves_the_place_empty(backup, empty, tmp_path):
    def wrong(manifest):
        part = next(part for part in manifest["parts"] if part["name"] == "master.key")
        part["sha256"] = "0" * 64
        return manifest

    damaged = mended(backup, tmp_path / "damaged.backup", wrong)
    done = run("restore", str(damaged), database=empty[0], instance=empty[1])

    assert done.returncode == 1
    assert "master.key" in done.stderr
    assert not empty[1].exists()
    assert not copies.holds_data(empty[0].url)


def test_what_is_not_for_this_program_or_this_place_is_refused(installation, backup, empty, tmp_path):
    database, instance, _household = installation
    newer = mended(backup, tmp_path / "newer.backup", lambda manifest: manifest | {"revision": "20991231_2359"})
    other = mended(backup, tmp_path / "other.backup", lambda manifest: manifest | {"database": "oracle"})
    (tmp_path / "text.backup").write_text("nothing of ours")

    with pytest.raises(CannotCopy, match="newer version"):
        restore(settings_of(*empty), newer)
    with pytest.raises(CannotCopy, match="one of oracle"):
        restore(settings_of(*empty), other)
    with pytest.raises(Unreadable, match="not an archive"):
        restore(settings_of(*empty), tmp_path / "text.backup")
    with pytest.raises(CannotCopy, match="data already"):
        restore(settings_of(database, instance), backup)
    assert not empty[1].exists()


def test_an_older_backup_is_migrated_up(installation, backup, new_database, new_app, tmp_path):
    from webapp.schema.migrate import downgrade, is_current, upgrade

    old, place, again = new_database(), tmp_path / "old", tmp_path / "again"
    found_organization(new_app(old, place))
    downgrade(old.migration_url, "20261122_1750")
    back_up(settings_of(old, place), tmp_path / "old.backup")
    target = new_database(migrated=False)

    restore(settings_of(target, again), tmp_path / "old.backup")

    assert is_current(target.migration_url)
    upgrade(old.migration_url)
    assert contents(target) == contents(old)


def test_a_forced_restore_replaces_what_is_there(installation, backup, new_database, new_app, tmp_path):
    database, place = new_database(), tmp_path / "used"
    app = new_app(database, place)
    found_organization(app)
    with app.app_context():
        from webapp.core.database import db

        db.engine.dispose()

    restore(settings_of(database, place), backup, force=True)

    assert contents(database) == contents(installation[0])
    assert (place / f"{MASTER_FILE}.replaced").exists()


def test_a_file_that_goes_while_the_backup_runs_makes_it_begin_again(installation, tmp_path, monkeypatch):
    database, instance, household = installation
    dumped = []

    def dump(url, owner_url, path):
        found = copies.dump(url, owner_url, path)
        dumped.append(found)
        if len(dumped) == 1:
            return type(found)(found.revision, found.file_keys | {f"{household.id}/ab/{'0' * 30}"})
        return found

    monkeypatch.setattr("webapp.archives.backup.dump", dump)
    missing = back_up(settings_of(database, instance), tmp_path / "night.backup")

    assert (missing, len(dumped)) == ([], 2)


def test_a_file_that_was_lost_before_is_named(installation, tmp_path):
    database, instance, _household = installation
    files = shutil.copytree(instance / "files", tmp_path / "files")
    lost = stored_keys(Store(str(files)))[0]
    (files / lost).unlink()

    missing = back_up(settings_of(database, instance, STORAGE_URL=str(files)), tmp_path / "night.backup")

    assert missing == [lost]


def test_a_backup_without_the_programs_of_postgresql_says_what_to_install(installation, tmp_path, monkeypatch):
    if not on_postgresql():
        pytest.skip("SQLite needs no other program")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("os.defpath", str(tmp_path))

    with pytest.raises(CannotCopy, match="postgresql-client"):
        back_up(settings_of(*installation[:2]), tmp_path / "night.backup")

    assert list(tmp_path.iterdir()) == []
