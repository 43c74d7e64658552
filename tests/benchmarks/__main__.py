"""`make bench`: every benchmark, its figures beside the lines they are measured against.

Give names (`python -m tests.benchmarks gateway synth`) to run some of them.
"""

import importlib
import platform
import sys
from datetime import date
from pathlib import Path

NAMES = sorted(path.stem.removeprefix("bench_") for path in Path(__file__).parent.glob("bench_*.py"))


def main(names: list[str]) -> None:
    print(f"{date.today()}  {platform.machine()}, Python {platform.python_version()}\n")
    for name in names or NAMES:
        for result in importlib.import_module(f"tests.benchmarks.bench_{name}").run():
            print(
                f"{result.name:<58} {result.value:>9.3g} {result.unit:<12} {result.target:<34} {result.detail}",
                flush=True,
            )


if __name__ == "__main__":
    main(sys.argv[1:])
