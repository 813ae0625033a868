"""Measure the program beside the limit, print a table or JSON, and fail when a bound is missed."""

import argparse
import json
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any, NamedTuple, TextIO

from tests.bench import counting, exporting, pressure, reading, writing
from tests.bench.machine import machine
from tests.bench.options import bench_folder
from tests.bench.stage import Stage
from tests.bench.verdicts import Figure, table


class Check(NamedTuple):
    """Something that is measured: on which database, and whether a quick run has the time for it."""

    run: Callable[[Stage], list[Figure]]
    database: str = "postgresql"
    quick: bool = True


CHECKS = {
    "statements": Check(counting.statements),
    "plans": Check(counting.plans),
    "limit": Check(reading.beside_the_limit),
    "flat": Check(reading.flat),
    "sync": Check(writing.sync),
    "import": Check(writing.importing),
    "export": Check(exporting.exports),
    "fairness": Check(pressure.fairness, quick=False),
    "overload": Check(pressure.overload, quick=False),
    "sqlite": Check(reading.sqlite, "sqlite"),
    "writers": Check(writing.writers, "sqlite"),
}


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    """Return what was asked for."""
    parser = argparse.ArgumentParser(prog="bin/bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="under two minutes: 20,000 assets, fewer rounds")
    parser.add_argument("--json", action="store_true", help="print one object on the output, and nothing else there")
    parser.add_argument("--only", nargs="+", choices=CHECKS, metavar="CHECK", help=", ".join(CHECKS))
    parser.add_argument("--rounds", type=int, help="rounds of what is measured in turns (7, quick 3)")
    parser.add_argument("--database", choices=("postgresql", "sqlite", "both"), default="both")
    parser.add_argument("--keep", action="store_true", help="leave PostgreSQL running when it was started here")
    return parser.parse_args(given)


def main() -> int:
    """Run the checks; return 1 when a bound is missed or a check could not be made."""
    asked = arguments()
    stage = Stage(bench_folder(), say=lambda words: put(words, sys.stderr))
    if asked.quick:
        stage.rounds, stage.seconds, stage.middle, stage.large = 3, 0.8, 20_000, 20_000
    stage.stays = asked.keep
    stage.rounds = asked.rounds or stage.rounds
    figures: list[Figure] = []
    faults: dict[str, str] = {}
    try:
        for name, check in CHECKS.items():
            if (asked.only and name not in asked.only) or asked.database not in ("both", check.database):
                continue
            if asked.quick and not check.quick and not asked.only:
                continue
            began = time.monotonic()
            try:
                found = check.run(stage)
            except Exception as error:  # noqa: BLE001 the other checks are made all the same
                traceback.print_exc()
                faults[name] = f"{type(error).__name__}: {error}"[:500]
                continue
            figures += found
            stage.say(f"{name}: {time.monotonic() - began:.0f} s\n{table(found)}\n")
        tell(asked, stage, figures, faults)
    finally:
        stage.close()
    return int(bool(faults) or not all(figure.is_good for figure in figures))


def tell(asked: argparse.Namespace, stage: Stage, figures: list[Figure], faults: dict[str, str]) -> None:
    """Print what was found."""
    here = machine(stage)
    if asked.json:
        found: dict[str, Any] = {"machine": here, "figures": [each.plain() for each in figures], "faults": faults}
        put(json.dumps(found | {"ok": not faults and all(each.is_good for each in figures)}))
        return
    put(
        f"{here['cores']} cores, {here['cpu']}, load {here['load'][0]}; PostgreSQL {here['postgresql']}; {here['commit']}"
    )
    put(table(figures))
    for name, fault in faults.items():
        put(f"{name} could not be measured: {fault}")


def put(words: str, stream: TextIO | None = None) -> None:
    """Write a line at once."""
    stream = stream or sys.stdout
    stream.write(f"{words}\n")
    stream.flush()


if __name__ == "__main__":
    sys.exit(main())
