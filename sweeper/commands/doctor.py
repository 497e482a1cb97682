"""`slimtune doctor`: what this machine can do, what is installed, and what is missing."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from slimtune.export.commands.command_parser import CommandParser
from slimtune.training.atomic_files import json_text
from slimtune.training.extras import is_installed
from slimtune.training.usual_places import OUTPUTS, USUAL_STORE, at_home

if TYPE_CHECKING:
    from slimtune.sweeper.doctor.finding import Finding
    from slimtune.training.fitted_table import FittedTable
    from slimtune.training.hardware.load import OthersLoad

# what is not good is bad input: of the machine, that is
GOOD, BAD = 0, 2
# in the order in which they are printed
ROOMS = ("machine", "installed", "here")
# by grade
WORDS = {"good": "ok", "absent": "--", "bad": "!!"}


def run(arguments: Sequence[str]) -> int:
    """Print the findings.

    Returns:
        2 where something must be mended before a sweep can work, else 0.
    """
    options = command_parser().parse_args(arguments)
    rooms = _looked_at(Path(options.outputs), options.tracking_uri)
    found = [one for findings in rooms.values() for one in findings]
    if options.json:
        print(json_text({room: [one.as_dict() for one in findings] for room, findings in rooms.items()}, indent=1))
    else:
        (_print if is_installed("rich") else _print_plainly)(rooms)
    return BAD if any(one.grade.value == "bad" for one in found) else GOOD


def command_parser() -> argparse.ArgumentParser:
    """What can be given on the command line."""
    parser = CommandParser(prog="slimtune doctor", description=__doc__)
    parser.add_argument(
        "--outputs", type=at_home, default=str(OUTPUTS), help=f"folder that sweeps would write to (default: {OUTPUTS})"
    )
    parser.add_argument("--tracking-uri", help=f"MLflow store ({USUAL_STORE})")
    parser.add_argument("--json", action="store_true", help="one JSON object, a list of findings for each part")
    return parser


def _looked_at(outputs: Path, tracker: str | None) -> "dict[str, list[Finding]]":
    # before the imports, so that what others take is looked at for a while
    load = _load_begun()
    from slimtune.sweeper.doctor.machine import machine
    from slimtune.sweeper.doctor.packages import packages
    from slimtune.sweeper.doctor.places import places
    from slimtune.sweeper.doctor.shell import shell_completion
    from slimtune.sweeper.doctor.unseen import seen_or_not

    completion = shell_completion(Path.home())
    return {
        "installed": seen_or_not("package", packages),
        "here": [*places(outputs, tracker), *([completion] if completion else [])],
        "machine": list(machine(load)),
    }


def _load_begun() -> "OthersLoad | None":
    """None where the package is absent that tells it, which the machine's finding says."""
    if not is_installed("psutil"):
        return None
    from slimtune.training.hardware.load import OthersLoad

    return OthersLoad()


def _print(rooms: "dict[str, list[Finding]]") -> None:
    from rich.console import Console

    from slimtune.sweeper.reporting.stages.stage_lines import print_line
    from slimtune.training.fitted_table import print_table

    console = Console()
    for room in ROOMS:
        print_table(console, _table(room, rooms[room]))
        console.print()
    for line in _ending(rooms):
        print_line(console, line)


def _print_plainly(rooms: "dict[str, list[Finding]]") -> None:
    """The same without the package that draws tables."""
    for room in ROOMS:
        print(room, *(f"  {WORDS[one.grade.value]} {one.name}: {_told(one)}" for one in rooms[room]), "", sep="\n")
    print(*_ending(rooms), sep="\n")


def _ending(rooms: "dict[str, list[Finding]]") -> list[str]:
    """What must be mended."""
    repairs = [one for findings in rooms.values() for one in findings if one.repair and one.grade.value == "bad"]
    return [f"To mend: {one.name}: {one.repair}" for one in repairs] or ["Nothing stands against a sweep here."]


def _told(one: "Finding") -> str:
    return one.told if one.repair is None or one.grade.value == "bad" else f"{one.told}; {one.repair}"


def _table(title: str, findings: "list[Finding]") -> "FittedTable":
    from rich.text import Text

    from slimtune.training.fitted_table import FittedTable

    styles = {"good": "green", "absent": "yellow", "bad": "bold red"}
    table = FittedTable(title, keys=2)
    table.add_column(justify="left")
    table.add_column(justify="left")
    table.add_column(justify="left", folds=True)
    for one in findings:
        grade = one.grade.value
        table.add_row(Text(WORDS[grade], styles[grade]), one.name, _told(one))
    return table
