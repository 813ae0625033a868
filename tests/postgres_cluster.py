"""A throw-away PostgreSQL: fast, forgetful, on a port of its own, gone with the test run."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psycopg

from tests.processes import free_port
from webapp.schema.migrate import upgrade

OWNER, RUNTIME, GROUP = "test_owner", "test_app", "quartermaster_runtime"
TEMPLATE = "test_template"
FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "200"}


@dataclass(frozen=True)
class DatabaseUrls:
    """How the program and how migrations reach a database; on SQLite the owner's URL is empty."""

    url: str
    owner_url: str = ""

    @property
    def migration_url(self) -> str:
        """Return the URL that may change the schema."""
        return self.owner_url or self.url


class Cluster:
    """A running cluster with the owner's and the run-time role, and a migrated template to copy databases from."""

    def __init__(self) -> None:
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="quartermaster-postgres-"))
        try:
            self.process = self._start()
            self._wait()
            self._prepare()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the server and throw its files away."""
        if hasattr(self, "process"):
            self.process.send_signal(signal.SIGINT)  # a fast stop, which does not wait for clients
            try:
                self.process.wait(3)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, user: str, database: str) -> str:
        """Return the SQLAlchemy URL of a database for a role."""
        return f"postgresql+psycopg://{user}@127.0.0.1:{self.port}/{database}"

    @property
    def admin_url(self) -> str:
        """Return the URL of the superuser."""
        return self.url("postgres", "postgres")

    def _start(self) -> "subprocess.Popen[bytes]":
        binaries = max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
        data = self.folder / "data"
        run = ["setpriv", "--pdeathsig", "INT"]
        if os.geteuid() == 0:  # the server refuses to run as root
            shutil.chown(self.folder, "postgres", "postgres")
            run = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--pdeathsig", "INT"]
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "cwd": self.folder}
        initdb = [
            binaries / "initdb",
            "-D",
            data,
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
            "-N",
        ]
        subprocess.run([*run, *initdb], check=True, **quiet)
        options = {"listen_addresses": "127.0.0.1", "unix_socket_directories": str(self.folder)} | FORGETFUL
        settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("wb") as log:
            return subprocess.Popen(
                [*run, binaries / "postgres", "-D", data, "-p", str(self.port), *settings], stderr=log, **quiet
            )

    def _wait(self) -> None:
        for _ in range(200):
            try:
                psycopg.connect(f"host=127.0.0.1 port={self.port} user=postgres dbname=postgres").close()
            except psycopg.OperationalError:
                if self.process.poll() is not None:
                    break
                time.sleep(0.05)
            else:
                return
        raise RuntimeError(f"PostgreSQL did not start: {(self.folder / 'log').read_text()}")

    def _prepare(self) -> None:
        run_as_admin(self.admin_url, f"CREATE ROLE {GROUP} NOLOGIN")
        run_as_admin(self.admin_url, f"CREATE ROLE {OWNER} LOGIN")
        run_as_admin(self.admin_url, f"CREATE ROLE {RUNTIME} LOGIN IN ROLE {GROUP}")
        run_as_admin(self.admin_url, f"CREATE DATABASE {TEMPLATE} OWNER {OWNER}")
        upgrade(self.url(OWNER, TEMPLATE))


def run_as_admin(admin_url: str, statement: str) -> None:
    """Run one statement of a superuser."""
    with psycopg.connect(admin_url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(statement)


def create_database(admin_url: str, name: str, *, migrated: bool = True) -> DatabaseUrls:
    """Make a database, a copy of the migrated template or an empty one."""
    template = TEMPLATE if migrated else "template0"
    run_as_admin(admin_url, f"CREATE DATABASE {name} OWNER {OWNER} TEMPLATE {template}")
    base = admin_url.rpartition("@")[2].rpartition("/")[0]
    return DatabaseUrls(*(f"postgresql+psycopg://{role}@{base}/{name}" for role in (RUNTIME, OWNER)))


def drop_database(admin_url: str, name: str) -> None:
    """Drop a database, whoever is connected."""
    run_as_admin(admin_url, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
