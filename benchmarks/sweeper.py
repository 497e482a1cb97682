"""The search by itself: what it costs beside its trials, how busy its workers are, and what its samplers miss.

    python -m benchmarks.sweeper --parts overheads utilisation regret --out benchmarks/reports

Each part is a report of its own, and a command too: `benchmarks.sweeper_overheads`, `benchmarks.utilisation`,
`benchmarks.regret`.
"""

import argparse
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks import regret, sweeper_overheads, utilisation
from benchmarks.report import publish

SEEDS, SIZES, APP_TRIALS = 10, (10, 100, 1000, 2000), (10, 60)


def main() -> None:
    """Run the parts one after the other."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parts", nargs="+", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--out", type=Path, help="folder of Markdown reports to write")
    options = parser.parse_args()
    for name in options.parts:
        file, report = PARTS[name]
        publish(report(), options.out / file if options.out else None)


def _overheads() -> Sequence[str]:
    with tempfile.TemporaryDirectory() as name:
        return list(sweeper_overheads.lines(Path(name), SIZES, APP_TRIALS))


PARTS: dict[str, tuple[str, Callable[[], Sequence[str]]]] = {
    "overheads": ("sweeper.md", _overheads),
    "utilisation": ("utilisation.md", utilisation.report),
    "regret": ("regret.md", lambda: regret.report(SEEDS, max(regret.COUNTS))),
}


if __name__ == "__main__":
    main()
