"""Exports: seconds and the most memory, each file made by a process of its own as the worker would."""

import gc
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from werkzeug.datastructures import MultiDict

from tests.bench import data
from tests.bench.data import Built, Organization
from tests.bench.options import ROOT
from tests.bench.stage import Stage
from tests.bench.verdicts import Figure

EXPORTED = 100_000
BOUNDS = {"csv": 3.0, "xlsx": 15.0}


def exports(stage: Stage) -> list[Figure]:
    """Write all assets of the organization with 100,000 of them (of a smaller one in a quick run) as CSV and XLSX."""
    built = stage.built(stage.large)
    figures = []
    for form, most in BOUNDS.items():
        found = _in_a_process(stage, built, form)
        seconds = found["seconds"] * EXPORTED / found["rows"]
        note = f"{found['rows']:,} rows in {found['seconds']:.1f} s, {found['bytes']:,} bytes"
        figures.append(Figure(f"export of {EXPORTED:,} as {form.upper()}", seconds, "s", most=most, note=note))
        figures.append(Figure(f"peak memory, {form.upper()}", found["peak"], "MB", most=150))
    return figures


def _in_a_process(stage: Stage, built: Built, form: str) -> dict[str, Any]:
    asked = json.dumps({"built": asdict(built), "format": form})
    command = [sys.executable, "-m", "tests.bench.exporting"]
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "MALLOC_ARENA_MAX": "2"}
    done = subprocess.run(command, input=asked, capture_output=True, text=True, cwd=ROOT, env=environ)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _write(asked: dict[str, Any]) -> dict[str, Any]:
    from tests.bench.writing import unit
    from webapp.core.custom import tailor
    from webapp.core.parameters import ListParameters
    from webapp.core.resource import registry
    from webapp.faces.export import list_blocks, write_workbook

    organizations = [Organization(**each) for each in asked["built"].pop("organizations")]
    built = Built(**asked["built"], organizations=organizations)
    app = data.open_app(built.urls, Path(built.instance), LOG_LEVEL="WARNING")
    gc.freeze()  # as wsgi.py does
    fitting = [each for each in organizations if each.assets == EXPORTED]
    organization = fitting[0] if fitting else built.big
    rows = 0

    def tell(more: int) -> None:
        nonlocal rows
        rows += more

    with unit(app, organization, write=False) as context, tempfile.TemporaryFile() as file:
        assets = tailor(context, registry.resources["assets"])
        parameters = ListParameters.parse(assets, MultiDict())
        began = time.perf_counter()
        if asked["format"] == "xlsx":
            write_workbook(context, assets, parameters, file, tell)
        else:
            for block in list_blocks(context, assets, parameters, asked["format"], tell):
                file.write(block)
        seconds, size = time.perf_counter() - began, file.tell()
    if rows != organization.assets:
        raise RuntimeError(f"{rows} rows instead of {organization.assets}")
    return {"seconds": seconds, "rows": rows, "bytes": size, "peak": peak_memory()}


def peak_memory() -> float:
    """Return the most memory in MB that this program had.

    Not `ru_maxrss`: Linux keeps it over fork and exec, so that a child begins with the peak of the process it came from.
    """
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    if found is None:
        raise RuntimeError("this system does not say how much memory a process had")
    return int(found[1]) / 1024


if __name__ == "__main__":
    json.dump(_write(json.load(sys.stdin)), sys.stdout)
