"""Where things lie, and what was asked for on the command line."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def bench_folder() -> Path:
    """Return the folder that keeps databases between runs; root's is where PostgreSQL, which is never root, may go."""
    usual = ROOT / "instance" / "bench" if os.geteuid() else Path("/var/tmp/quartermaster-bench")
    folder = Path(os.environ.get("BENCH_DIR", "") or usual).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    return folder
