"""What docs/integrators.md tells strangers to type is typed here, as it is written, against a live server."""

import re
import subprocess
import time
from pathlib import Path

import pytest

from tests.live import LiveApi

GUIDE = (Path(__file__).resolve().parent.parent / "docs" / "integrators.md").read_text()
BLOCKS = re.findall(r"^```(bash|python)\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def reader(live_server, monkeypatch, tmp_path):
    """Somebody with a key and an organization of their own, whose shell knows where the server is."""
    slug, email, password = live_server.found_organization()
    known = {"API": f"{live_server.url}/api/v1", "KEY": live_server.api_key(slug), "EMAIL": email, "PASSWORD": password}
    for name, value in known.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return LiveApi(live_server.url, known["KEY"])


def until_lines_are_told(reader):
    """Wait: lines are told once nothing older can come, and a test beside this one may have something open."""
    deadline = time.monotonic() + 30
    while not reader("GET", "activity?after=0&limit=1") and time.monotonic() < deadline:
        time.sleep(0.1)


def test_the_guide_works_from_the_first_line_to_the_last(reader):
    """The shell keeps what the first block defines; Python keeps everything."""
    beginning, python = BLOCKS[0][1], {"__name__": "guide"}
    assert BLOCKS[0][0] == "bash"

    for language, code in BLOCKS:
        if "activity?after=" in code:
            until_lines_are_told(reader)
        if language == "python":
            exec(compile(code, "docs/integrators.md", "exec"), python)
        else:
            command = ["bash", "-euo", "pipefail", "-c", f"{beginning}\n{code}"]
            done = subprocess.run(command, capture_output=True, text=True)
            assert done.returncode == 0, f"{code}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"

    names = [asset["name"] for asset in reader("GET", "assets?sort=id&fields=name")]
    assert names == ["FX3 body, with cage", "FX6 body", "Tripod"]
    (imported,) = reader("GET", "imports")
    assert imported["counts"]["create"] == 1


def test_the_guide_leaves_no_name_to_be_guessed():
    code = "".join(code for _language, code in BLOCKS)

    assert set(re.findall(r"\$\{?([A-Z_]+)", code)) == {"API", "KEY", "EMAIL", "PASSWORD", "ID", "IMPORT", "LOGIN"}
    assert set(re.findall(r"^(?:import|from) (\w+)", code, re.MULTILINE)) == {
        "json",
        "os",
        "urllib",
        "standardwebhooks",
    }
