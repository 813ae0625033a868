"""The production server, with the options of bin/run, over the program or the limit route."""

import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.bench.data import Built, Organization
from tests.bench.options import ROOT
from tests.processes import free_port, stop

BIN = ROOT / ".venv" / "bin"
WORKERS = os.cpu_count() or 1
MUCH = "1000000000 per minute"


def script_of_bin_run(target: str) -> str:
    """Return how bin/run starts the web server, with its settings, for a target of ours."""
    script = (ROOT / "bin" / "run").read_text().replace("\\\n", " ")
    command = re.search(r"\.venv/bin/granian wsgi:app [^\n]*?(?= &\n)", script)
    if command is None:
        raise RuntimeError("bin/run no longer starts granian as we know it")
    exports = [line for line in script.splitlines() if line.startswith("export ")]
    return "\n".join([*exports, f"exec {command[0].replace('wsgi:app', target)}"])


class Served:
    """A running server; `with Served(…) as server: server.url`."""

    def __init__(self, target: str, folder: Path, environ: Mapping[str, str], *, worker: bool = False) -> None:
        self.port, self.folder = free_port(), folder
        self.url = f"http://127.0.0.1:{self.port}"
        self.environ = {**os.environ, "PYTHONPATH": str(ROOT), "FLASK_APP": "wsgi", **environ}
        self.environ |= {"PORT": str(self.port), "BASE_URL": self.url, "WEB_WORKERS": str(WORKERS)}
        self.environ |= {"HOST": "127.0.0.1"}
        self.process = self._start("web", "bash", "-c", script_of_bin_run(target))
        self.worker = self._start("worker", str(BIN / "flask"), "worker") if worker else None
        deadline = time.monotonic() + 60
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"the server did not start: {(folder / 'web.log').read_text()[-3000:]}")
            time.sleep(0.1)

    def __enter__(self) -> "Served":
        return self

    def __exit__(self, *_what: object) -> None:
        self.stop()

    def answers(self) -> bool:
        """Tell whether anybody answers."""
        try:
            urllib.request.urlopen(f"{self.url}/healthz", timeout=5).close()
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False
        return True

    def stop(self) -> None:
        """Stop the server, and the worker."""
        for process in (self.process, self.worker):
            if process is not None:
                stop(process)

    def memory(self) -> list[float]:
        """Return the resident memory of each web worker in MB."""
        found = []
        for path in Path("/proc").glob("[0-9]*/status"):
            try:
                status = path.read_text()
            except OSError:
                continue
            if f"\nPPid:\t{self.process.pid}\n" in status and (size := re.search(r"VmRSS:\s+(\d+)", status)):
                found.append(int(size[1]) / 1024)
        return sorted(size for size in found if size > 20)  # granian's own helpers are small

    def load(
        self, requests: list[str], *, seconds: float, connections: int = WORKERS, rate: float = 0, patience: float = 0
    ) -> dict[str, Any]:
        """Load the server with requests in turn and return what the generator saw."""
        with self.loading(requests, seconds=seconds, connections=connections, rate=rate, patience=patience) as process:
            return finished(process)

    def loading(
        self, requests: list[str], *, seconds: float, connections: int = WORKERS, rate: float = 0, patience: float = 0
    ) -> "subprocess.Popen[str]":
        """Begin to load the server."""
        plan = {
            "host": "127.0.0.1",
            "port": self.port,
            "requests": requests,
            "connections": connections,
            "seconds": seconds,
            "rate": rate,
            "patience": patience,
        }
        process = subprocess.Popen(
            [sys.executable, "-S", "-E", str(Path(__file__).with_name("load.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdin is not None
        process.stdin.write(json.dumps(plan))
        process.stdin.close()
        process.stdin = None
        return process

    def _start(self, name: str, *command: str) -> "subprocess.Popen[bytes]":
        with (self.folder / f"{name}.log").open("wb") as log:
            return subprocess.Popen(command, cwd=ROOT, env=self.environ, stdout=log, stderr=log, start_new_session=True)


def finished(process: "subprocess.Popen[str]") -> dict[str, Any]:
    """Return what a load saw, once it is over."""
    output, _nothing = process.communicate()
    if process.returncode:
        raise RuntimeError("the load generator failed")
    seen: dict[str, Any] = json.loads(output)
    return seen


def serve(built: Built, folder: Path, *, worker: bool = False, **environ: str) -> Served:
    """Serve the program over a database: limits count, but nobody reaches them."""
    folder.mkdir(parents=True, exist_ok=True)
    settings = {
        "INSTANCE_DIR": built.instance,
        "DATABASE_URL": built.url,
        "DATABASE_OWNER_URL": built.owner_url,
        "API_RATE_LIMIT": MUCH,
        "LOG_LEVEL": "WARNING",
    }
    return Served("wsgi:app", folder, settings | environ, worker=worker)


def serve_limit(built: Built, folder: Path) -> Served:
    """Serve the limit route over the largest organization of a database."""
    folder.mkdir(parents=True, exist_ok=True)
    # One thread a worker is what it is fastest with; our own answers wait in line for theirs.
    return Served("tests.bench.limit:app", folder, {"BENCH_LIMIT": json.dumps(limit_of(built)), "WEB_QUEUE": "0"})


def limit_of(built: Built) -> dict[str, Any]:
    """Return what the limit route is told."""
    wanted: dict[str, Any] = {"organization": built.big.id, "fields": built.big.fields}
    if built.database == "sqlite":
        return wanted | {"sqlite": built.url.removeprefix("sqlite:///")}
    return wanted | {"postgresql": built.owner_url.replace("+psycopg", "")}


def get(path: str, organization: Organization | None = None, cookie: str = "") -> str:
    """Return a GET request as it goes over the wire, with an organization's key or a cookie."""
    lines = [f"GET {path} HTTP/1.1", "Host: 127.0.0.1"]
    if cookie:
        lines.append(f"Cookie: {cookie}")
    elif organization is not None:
        lines.append(f"Authorization: Bearer {organization.api_key}")
    return "\r\n".join([*lines, "", ""])
