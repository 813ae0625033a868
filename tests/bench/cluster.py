"""The PostgreSQL that is measured: in a folder that stays, set up as an ordinary server is, but forgetful."""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import psycopg

from tests.postgres_cluster import GROUP, OWNER, RUNTIME, DatabaseUrls, run_as_admin
from tests.processes import free_port

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "300",
    "shared_buffers": "512MB",
    "effective_cache_size": "4GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "512MB",
    "random_page_cost": "1.1",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "30min",
}


class BenchCluster:
    """A cluster in `folder`; one that runs there already is used, and left running."""

    def __init__(self, folder: Path, *, stays: bool = False) -> None:
        self.folder, self.process, self.stays = folder, None, stays
        folder.mkdir(parents=True, exist_ok=True)
        written = folder / "port"
        self.port = int(written.read_text()) if written.exists() else free_port()
        if not self.answers():
            self.process = self._start()
            written.write_text(str(self.port))
            self._wait()
            self._prepare()

    process: "subprocess.Popen[bytes] | None"

    def answers(self) -> bool:
        """Tell whether the server takes connections."""
        try:
            psycopg.connect(f"host=127.0.0.1 port={self.port} user=postgres dbname=postgres", connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def urls(self, name: str) -> DatabaseUrls:
        """Return how the program and its owner reach a database."""
        return DatabaseUrls(self.url(RUNTIME, name), self.url(OWNER, name))

    def url(self, user: str, name: str) -> str:
        """Return the SQLAlchemy URL of a database for a role."""
        return f"postgresql+psycopg://{user}@127.0.0.1:{self.port}/{name}"

    def admin_url(self, name: str = "postgres") -> str:
        """Return the URL of the superuser."""
        return self.url("postgres", name)

    def copy(self, name: str, template: str = "template0") -> DatabaseUrls:
        """Make a database anew, empty or as a copy of one of ours, which nobody may be connected to meanwhile."""
        self.drop(name)
        with psycopg.connect(self.admin_url().replace("+psycopg", ""), autocommit=True) as connection:
            busy = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s"
            connection.execute(busy, [template])
        run_as_admin(self.admin_url(), f"CREATE DATABASE {name} OWNER {OWNER} TEMPLATE {template} STRATEGY file_copy")
        return self.urls(name)

    def drop(self, name: str) -> None:
        """Drop a database, whoever is connected."""
        run_as_admin(self.admin_url(), f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def has(self, name: str) -> bool:
        """Tell whether there is a database of a name."""
        with psycopg.connect(self.admin_url().replace("+psycopg", "")) as connection:
            return connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is not None

    def stop(self) -> None:
        """Stop the server when it was started here."""
        if self.process is not None and not self.stays:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(30)

    def _start(self) -> "subprocess.Popen[bytes]":
        binaries = max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
        tie = [] if self.stays else ["--pdeathsig", "INT"]
        data, run = self.folder / "data", ["setpriv", *tie] if tie else []
        if os.geteuid() == 0:  # the server refuses to run as root
            shutil.chown(self.folder, "postgres", "postgres")
            run = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *tie]
        nothing = subprocess.DEVNULL
        if not data.exists():
            options = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N"]
            initdb = [*run, str(binaries / "initdb"), "-D", str(data), *options]
            subprocess.run(initdb, check=True, stdin=nothing, stdout=nothing, cwd=self.folder)
        settings = [
            part
            for name, value in (SETTINGS | {"unix_socket_directories": str(self.folder)}).items()
            for part in ("-c", f"{name}={value}")
        ]
        with (self.folder / "log").open("ab") as log:
            server = [*run, str(binaries / "postgres"), "-D", str(data), "-p", str(self.port), *settings]
            return subprocess.Popen(
                server, stdin=nothing, stdout=nothing, stderr=log, cwd=self.folder, start_new_session=True
            )

    def _wait(self) -> None:
        deadline = time.monotonic() + 60
        while not self.answers():
            if time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start: see {self.folder / 'log'}")
            time.sleep(0.05)

    def _prepare(self) -> None:
        with psycopg.connect(self.admin_url().replace("+psycopg", ""), autocommit=True) as connection:
            known = {name for (name,) in connection.execute("SELECT rolname FROM pg_roles")}
        wanted = {GROUP: "NOLOGIN", OWNER: "LOGIN", RUNTIME: f"LOGIN IN ROLE {GROUP}"}
        for role, options in wanted.items():
            if role not in known:
                run_as_admin(self.admin_url(), f"CREATE ROLE {role} {options}")
