"""kill -9 of web and worker in the middle of an import: after a restart it goes on, and nothing is half done."""

import json
import os
import signal
import time
import urllib.request
from collections.abc import Callable

import pytest
from sqlalchemy import create_engine, text

from tests.live import LiveApi, LiveServer

pytestmark = pytest.mark.both_databases
ROWS = 5_000
SHEET = "Tag,Name,Category\n" + "".join(f"T-{number:05d},Thing {number},Tools\n" for number in range(ROWS))
BOUNDARY = "quartermaster-test"


def upload(server: LiveServer, key: str) -> int:
    body = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="big.csv"\r\n'
        f"Content-Type: text/csv\r\n\r\n{SHEET}\r\n--{BOUNDARY}--\r\n"
    )
    request = urllib.request.Request(f"{server.url}/api/v1/imports", data=body.encode(), method="POST")
    request.add_header("Authorization", f"Bearer {key}")
    request.add_header("Content-Type", f"multipart/form-data; boundary={BOUNDARY}")
    with urllib.request.urlopen(request, timeout=30) as response:
        return int(json.loads(response.read())["data"]["id"])


def wait_for(read: Callable[[], dict], reached: Callable[[dict], bool], seconds: int = 90) -> dict:
    deadline = time.monotonic() + seconds
    while not reached(found := read()):
        assert time.monotonic() < deadline, found
        time.sleep(0.1)
    return found


def kill(server: LiveServer) -> None:
    for process in (server.worker, server.web):
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def lines_of_assets(server: LiveServer) -> tuple[int, int, int]:
    """Return how many assets there are, how many lines of history they have, and for how many one was created."""
    engine = create_engine(server.environ["DATABASE_OWNER_URL"] or server.environ["DATABASE_URL"])
    with engine.connect() as connection:
        assets = connection.scalar(text("SELECT count(*) FROM assets WHERE deleted_at IS NULL"))
        lines, created = connection.execute(
            text(
                "SELECT count(*), count(DISTINCT item_id) FROM activity WHERE item_type = 'assets' AND event = 'Create'"
            )
        ).one()
    engine.dispose()
    return assets, lines, created


def test_an_apply_survives_kill_9_of_everything(new_live_server: Callable[..., LiveServer]):
    server = new_live_server(JOB_LEASE_SECONDS="2")
    slug, _email, _password = server.found_organization()
    key = server.api_key(slug)
    api = LiveApi(server.url, key)
    import_id = upload(server, key)

    def read() -> dict:
        return dict(api("GET", f"imports/{import_id}"))

    wait_for(read, lambda row: row["state"] == "checked")
    api("PATCH", f"imports/{import_id}", {"options": {"create": ["categories"]}})
    wait_for(read, lambda row: row["state"] == "checked" and row["counts"].get("create") == ROWS)
    api("POST", f"imports/{import_id}/apply")
    wait_for(read, lambda row: row["job"]["done"] >= 500)

    kill(server)
    server.start_web()
    middle = read()
    server.start_worker()
    ended = wait_for(read, lambda row: row["state"] == "applied")

    assert middle["state"] == "applying"
    assert 500 <= middle["job"]["done"] < ROWS
    assert ended["counts"]["created"] == ROWS
    assert len(api("GET", "categories")) == 1
    seen = [
        row["item_id"]
        for page in range(1, 6)
        for row in api("GET", f"imports/{import_id}/rows?page={page}&per_page=1000")
    ]
    assert len(set(seen)) == ROWS
    assert api("GET", "assets?per_page=1&sort=-tag")[0]["tag"] == f"T-{ROWS - 1:05d}"
    assert lines_of_assets(server) == (ROWS, ROWS, ROWS)
    assert server.flask("activity", "verify").endswith("ok")
