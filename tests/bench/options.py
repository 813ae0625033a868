"""Where things lie, and what was asked for on the command line."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def bench_folder() -> Path:
    """Return the folder that keeps databases between runs."""
    folder = Path(os.environ.get("BENCH_DIR", "") or ROOT / "instance" / "bench").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    return folder
