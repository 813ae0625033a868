"""On what it was measured."""

import os
import platform
import re
import subprocess
from pathlib import Path
from typing import Any

from tests.bench.options import ROOT
from tests.bench.stage import Stage


def machine(stage: Stage) -> dict[str, Any]:
    """Return the machine, its load, the versions, and the commit."""
    found = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    memory = re.search(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text())
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    binaries = sorted(Path("/usr/lib/postgresql").glob("*"), key=lambda path: int(path.name))
    return {
        "cores": os.cpu_count(),
        "cpu": found[1] if found else platform.processor(),
        "memory_gb": round(int(memory[1]) / 1024 / 1024) if memory else None,
        "load": [round(each, 2) for each in os.getloadavg()],
        "python": platform.python_version(),
        "postgresql": binaries[-1].name if binaries else None,
        "commit": commit.stdout.strip(),
        "rounds": stage.rounds,
        "assets": [1_000, stage.middle, stage.large],
    }
