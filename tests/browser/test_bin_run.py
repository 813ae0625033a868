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


class Run:
    """A `bin/run` that was started; `text` is what it has said so far."""

    def __init__(self, instance: Path) -> None:
        self.port, self.instance, self.log = free_port(), instance, instance.with_suffix(".log")
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        environ = {**kept, "PORT": str(self.port), "INSTANCE_DIR": str(instance)}
        begun = time.monotonic()
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                ["bin/run"], cwd=ROOT, env=environ, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                start_new_session=True,
            )  # fmt: skip
        while not STARTED.search(self.text):
            assert self.process.poll() is None, self.text
            assert time.monotonic() < begun + 60, self.text
            time.sleep(0.02)
        self.seconds = time.monotonic() - begun

    @property
    def text(self) -> str:
        return self.log.read_text()

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
        found = []
        for entry in Path("/proc").iterdir():
            try:
                if (
                    entry.name.isdigit()
                    and f"INSTANCE_DIR={self.instance}".encode() in (entry / "environ").read_bytes()
                ):
                    found.append((entry / "cmdline").read_text().replace("\0", " "))
            except OSError:
                continue
        return [line for line in found if line]


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
    runs = []
    for _ in range(3):  # the quickest of two counts: others may keep this machine busy
        runs.append(start())
        runs[-1].interrupt()

    assert min(run.seconds for run in runs[1:]) < 5
    assert len({re.search(r"token=(\S+)", run.text)[1] for run in runs}) == 1


def test_when_the_worker_dies_everything_stops_and_says_so(start: Start) -> None:
    run = start()
    worker = next(pid for pid in Path("/proc").iterdir() if pid.name.isdigit() and is_worker(pid, run.instance))

    os.kill(int(worker.name), signal.SIGKILL)

    assert run.process.wait(20) == 1
    assert "the worker stopped" in run.text
    assert run.left() == []


def is_worker(process: Path, instance: Path) -> bool:
    """Tell whether a process is the worker of an instance."""
    try:
        ours = f"INSTANCE_DIR={instance}".encode() in (process / "environ").read_bytes()
        return ours and b"flask\0worker" in (process / "cmdline").read_bytes()
    except OSError:
        return False


def test_a_taken_port_is_told(start: Start) -> None:
    run = start()
    environ = {**os.environ, "PORT": str(run.port), "INSTANCE_DIR": f"{run.instance}-2"}

    other = subprocess.run(["bin/run"], cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60)

    assert other.returncode == 1
    assert f"something listens on 127.0.0.1:{run.port} already" in other.stderr
