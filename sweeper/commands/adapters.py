"""`slimtune adapters`: one ONNX base and adapters that are switched at run time, verified."""

import argparse
import re
import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

from slimtune.export.commands.command_parser import CommandParser
from slimtune.training.checkpoints.find import find_checkpoint
from slimtune.training.config.trust import TRUST_HELP
from slimtune.training.errors import ModelError
from slimtune.training.usual_places import USUAL_STORE, home_path

if TYPE_CHECKING:
    from slimtune.export.bundle.adapters_manifest import AdapterCheck

# peft's name of it, without importing peft
PEFT_SETTINGS = "adapter_config.json"
PRECISIONS = ("fp32", "int8_dynamic", "int4")


def run(arguments: Sequence[str]) -> int:
    """Export the base once, write each adapter, and compare each with peft.

    Raises:
        UserError: An adapter cannot be used over the base, or does not compute the same.
    """
    options = command_parser().parse_args(arguments)
    adapters = {name: _found(given, options.tracking_uri) for name, given in _named(options.adapters).items()}
    from slimtune.export.adapters.export import AdaptersRequest, BasePrecision, export_adapters

    exported = export_adapters(
        AdaptersRequest(
            base=options.base,
            revision=options.revision,
            adapters=adapters,
            output=options.output,
            precision=BasePrecision(options.precision),
            min_agreement=options.min_agreement,
            genai=options.genai,
            tracking_uri=options.tracking_uri,
            trust=options.trust,
        )
    )
    from slimtune.export.bundle.model_card import predict_arguments

    name = next(iter(adapters))
    arguments = predict_arguments(exported.folder.manifest.adapters[name].interface)
    _show(exported.checks, f"--model {shlex.quote(str(options.output))} --adapter {shlex.quote(name)} {arguments}")
    return 0


def command_parser() -> argparse.ArgumentParser:
    """What can be given on the command line."""
    parser = CommandParser(prog="slimtune adapters", description=__doc__)
    parser.add_argument("--base", required=True, help="the base: a folder, a package path or a hub name")
    parser.add_argument("--revision", help="hub revision of the base (default: its default branch)")
    parser.add_argument(
        "--adapters",
        required=True,
        nargs="+",
        help="name=<checkpoint, trial folder, run id or folder of peft>, separated by commas or spaces",
    )
    parser.add_argument("--output", required=True, type=home_path, help="folder to write")
    parser.add_argument("--precision", choices=PRECISIONS, default="fp32", help="of the base (default: fp32)")
    parser.add_argument(
        "--min-agreement",
        type=float,
        default=0.9,
        help="least share of PyTorch's answers that a quantized base keeps (default: 0.9)",
    )
    parser.add_argument(
        "--genai", action="store_true", help="also write the base for onnxruntime-genai, into the folder's genai/"
    )
    parser.add_argument("--tracking-uri", help=f"MLflow store of a run id ({USUAL_STORE})")
    parser.add_argument("--trust", action="store_true", help=TRUST_HELP)
    return parser


def _named(words: Sequence[str]) -> dict[str, str]:
    """Where each adapter lies, by name."""
    named: dict[str, str] = {}
    for word in filter(None, ",".join(words).split(",")):
        name, separator, given = word.partition("=")
        if not (separator and given and re.fullmatch(r"[A-Za-z0-9][\w-]*", name)):
            raise ModelError(
                f"--adapters has '{word}'; give <name>=<run or folder>, with letters, digits, '-' and '_' in the name"
            )
        if name in named:
            raise ModelError(f"--adapters has '{name}' twice; give each adapter a name of its own")
        named[name] = given
    return named


def _found(given: str, tracking_uri: str | None) -> str:
    """An adapter where it lies: a folder that peft wrote, or a checkpoint of slimtune."""
    is_of_peft = (home_path(given) / PEFT_SETTINGS).is_file()
    return given if is_of_peft else str(find_checkpoint(given, tracking_uri))


def _show(checks: "Sequence[AdapterCheck]", arguments: str) -> None:
    from rich.console import Console

    from slimtune.sweeper.reporting.terminal import plain_table, print_next
    from slimtune.training.fitted_table import print_table

    console = Console()
    console.print("[bold]each adapter on the graph, beside peft in PyTorch[/]")
    columns = ("adapter", "base in", "rows", "largest gap", "of the scores", "same answer")
    rows = [
        (one.name, one.graph, one.num_rows, f"{one.max_gap:.1e}", f"{one.relative_gap:.1e}", f"{one.agreement:.2%}")
        for one in checks
    ]
    print_table(console, plain_table(columns, rows))
    print_next(console, {"try one": f"slimtune predict {arguments}"})
