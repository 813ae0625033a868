"""The program as people run it: granian and a worker, real processes on a port."""

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from functools import cached_property
from pathlib import Path
from typing import Any

from flask import Flask

import config
from tests.households import PASSWORD, Household, found_organization
from tests.postgres_cluster import DatabaseUrls
from tests.processes import free_port, stop
from webapp.core.database import db

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
WORKERS = 2


class LiveServer:
    """A web server with two processes and a worker, on a migrated database; logs lie in `folder`."""

    def __init__(self, folder: Path, database: DatabaseUrls, **environ: str) -> None:
        self.folder, self.port = folder, free_port()
        self.households: dict[str, Household] = {}
        self.url = f"http://127.0.0.1:{self.port}"
        self.environ = {name: value for name, value in os.environ.items() if not name.startswith("TEST_")} | {
            "INSTANCE_DIR": str(folder / "instance"),
            "DATABASE_URL": database.url,
            "DATABASE_OWNER_URL": database.owner_url,
            "PORT": str(self.port),
            "BASE_URL": self.url,
            "RATE_LIMITS": "off",
            "WEB_QUEUE": "64",
            "MALLOC_ARENA_MAX": "2",
            "MALLOC_MMAP_THRESHOLD_": "131072",
            "MALLOC_TRIM_THRESHOLD_": "131072",
            "FLASK_APP": "wsgi",
            "PYTHONPATH": str(ROOT),
            **environ,
        }
        self.setup_text = self.run(sys.executable, "bin/prepare.py")
        self.web: subprocess.Popen[bytes] | None = None
        self.worker: subprocess.Popen[bytes] | None = None
        self.start_web()
        self.start_worker()

    def run(self, *command: str) -> str:
        """Run a command against this instance and return what it prints."""
        done = subprocess.run(command, cwd=ROOT, env=self.environ, capture_output=True, text=True)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout.strip()

    @cached_property
    def app(self) -> Flask:
        """Return the application on this instance in our own process: a process for every command takes seconds."""
        from webapp import create_app

        return create_app(config.load(self.environ) | {"TESTING": True})

    def flask(self, *arguments: str) -> str:
        """Run a flask command against this instance and return what it prints."""
        done = self.app.test_cli_runner().invoke(args=arguments)
        assert done.exit_code == 0, f"{arguments}: {done.output}{done.exception!r}"
        return done.stdout.strip()

    def found_organization(self, name: str = "") -> tuple[str, str, str]:
        """Found an organization and return its slug, the owner's address and password."""
        household = found_organization(self.app, name)
        self.households[household.tenant.slug] = household
        return household.tenant.slug, household.email, PASSWORD

    def api_key(self, slug: str) -> str:
        """Make a key for an organization that was founded here and return it."""
        return self.households[slug].api_client().token

    def start_web(self) -> None:
        """Start the web server and wait until it answers."""
        threads = int(self.environ["WEB_QUEUE"]) + 16
        options = f"--interface wsgi --host 127.0.0.1 --port {self.port} --workers {WORKERS} --no-ws"
        options += f" --blocking-threads {threads}"
        self.web = self._start("web", str(BIN / "granian"), "wsgi:app", *options.split(), "--log-level", "error")
        deadline = time.monotonic() + 30
        while not self.answers():
            if self.web.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the web server did not start: {(self.folder / 'web.log').read_text()[-4000:]}")
            time.sleep(0.1)

    def start_worker(self) -> None:
        """Start the worker."""
        self.worker = self._start("worker", str(BIN / "flask"), "worker")

    def answers(self) -> bool:
        """Tell whether /healthz is well."""
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=5) as response:
                return bool(response.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def stop(self) -> None:
        """Stop both."""
        for process in (self.web, self.worker):
            if process is not None:
                stop(process)
        if "app" in self.__dict__:
            with self.app.app_context():
                db.engine.dispose()

    def _start(self, name: str, *command: str) -> "subprocess.Popen[bytes]":
        with (self.folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                command,
                cwd=ROOT,
                env=self.environ,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )


class LiveApi:
    """Speaks to a live server with a key, as a script would: `api("POST", "locations", {"name": "Lisbon"})["id"]`."""

    def __init__(self, url: str, key: str) -> None:
        self.url, self.key = url, key

    def __call__(self, method: str, path: str, body: Any = None) -> Any:
        """Send a request to version 1 and return its data; what is refused raises RuntimeError."""
        request = urllib.request.Request(f"{self.url}/api/v1/{path}", method=method)
        request.add_header("Authorization", f"Bearer {self.key}")
        if body is not None:
            request.add_header("Content-Type", "application/json")
            request.data = json.dumps(body).encode()
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                text = response.read()
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"{error.code}: {error.read().decode()}") from error
        return json.loads(text)["data"] if text else None
