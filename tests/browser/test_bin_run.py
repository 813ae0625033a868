"""`bin/run` as a newcomer meets it: it starts, says where to go, and leaves nothing behind when it is stopped."""

import json
import os
import re
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.live import ROOT
from tests.processes import free_port, stop

STARTED = re.compile(r"Quartermaster is at (\S+)")
Start = Callable[[], "Run"]


def read(pid: int, name: str) -> str:
    """Return what the system knows of a process, nothing when it is gone or somebody else's."""
    try:
        return Path(f"/proc/{pid}/{name}").read_text(errors="replace")
    except OSError:
        return ""


def cpu_seconds(pid: int) -> float:
    """Return how long a process and the children it has waited for have worked."""
    fields = read(pid, "stat").rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


class Run:
    """A `bin/run` that was started; `text` is what it has said so far."""

    def __init__(self, instance: Path) -> None:
        self.port, self.instance, self.log = free_port(), instance, instance.with_suffix(".log")
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        environ = {**kept, "PORT": str(self.port), "INSTANCE_DIR": str(instance), "WEB_WORKERS": "1"}
        begun = time.monotonic()
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                ["bin/run"], cwd=ROOT, env=environ, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                start_new_session=True,
            )  # fmt: skip
        while not (STARTED.search(self.text) and self.answers()):
            assert self.process.poll() is None, self.text
            assert time.monotonic() < begun + 60, self.text
            time.sleep(0.02)
        self.seconds, self.worked = time.monotonic() - begun, sum(map(cpu_seconds, self.pids()))

    @property
    def text(self) -> str:
        return self.log.read_text()

    def answers(self) -> bool:
        """Tell whether the web server answers."""
        try:
            return self.get("/healthz")[0] == 200
        except urllib.error.URLError:
            return False

    def get(self, path: str) -> tuple[int, str, str]:
        """Return (status, content type, body) of an address."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                return answer.status, answer.headers["Content-Type"], answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.headers["Content-Type"], error.read().decode()

    def interrupt(self) -> int:
        """Press Ctrl-C and return the exit code."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(15)

    def left(self) -> list[str]:
        """Return the processes that work on this instance still."""
        return [read(pid, "cmdline").replace("\0", " ") for pid in self.pids() if read(pid, "cmdline")]

    def pids(self) -> list[int]:
        """Return the numbers of the processes that were started for this instance."""
        pids = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
        return [pid for pid in pids if f"INSTANCE_DIR={self.instance}" in read(pid, "environ").split("\0")]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Return a function that runs bin/run on one new instance."""
    started: list[Run] = []

    def run() -> Run:
        started.append(Run(tmp_path / "instance"))
        return started[-1]

    yield run
    for one in started:
        if one.process.poll() is None:
            stop(one.process)


def test_it_serves_says_where_to_go_and_stops_clean(start: Start) -> None:
    run = start()

    assert STARTED.search(run.text)[1] == f"http://127.0.0.1:{run.port}"
    assert re.search(rf"http://127\.0\.0\.1:{run.port}/setup\?token=\S{{20,}}", run.text)
    for path in ("/healthz", "/readyz"):
        status, kind, body = run.get(path)
        assert (status, kind.partition(";")[0], json.loads(body)["status"]) == (200, "application/json", "ok")
    assert len(run.left()) >= 3, "this script, the web server and the worker"

    assert run.interrupt() == 0
    assert run.left() == []
    with pytest.raises(urllib.error.URLError):
        run.get("/healthz")


def test_the_second_start_is_quick_and_keeps_the_token(start: Start) -> None:
    first = start()
    first.interrupt()

    second = start()

    # Where others keep the machine busy the clock says little: then the work that was done counts.
    cores = os.cpu_count() or 1
    assert (second.worked / cores if os.getloadavg()[0] > cores else second.seconds) < 5
    token = re.compile(r"token=(\S+)")
    assert token.search(first.text)[1] == token.search(second.text)[1]


def test_when_the_worker_dies_everything_stops_and_says_so(start: Start) -> None:
    run = start()
    worker = next(pid for pid in run.pids() if "flask\0worker" in read(pid, "cmdline"))

    os.kill(worker, signal.SIGKILL)

    assert run.process.wait(20) == 1
    assert "the worker stopped" in run.text
    assert run.left() == []


def test_a_taken_port_is_told(start: Start) -> None:
    run = start()
    environ = {**os.environ, "PORT": str(run.port), "INSTANCE_DIR": f"{run.instance}-2"}

    other = subprocess.run(["bin/run"], cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60)

    assert other.returncode == 1
    assert f"something listens on 127.0.0.1:{run.port} already" in other.stderr
