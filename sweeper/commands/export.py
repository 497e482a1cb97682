"""`slimtune export`: a checkpoint, a run, a sweep's winner or a third-party model, as a verified bundle."""

import argparse
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from slimtune.export.bundle.export_folder import check_export_folder
from slimtune.export.bundle.model_card import predict_arguments
from slimtune.export.commands.command_parser import CommandParser
from slimtune.export.config import OnnxExport, parse_export
from slimtune.sweeper.checks import note_own_code
from slimtune.sweeper.commands.arguments.export_source import ExportRequest, opened, removed_if_failed
from slimtune.sweeper.commands.arguments.overridable_keys import overridable_keys
from slimtune.sweeper.storage_url import checked
from slimtune.training.config.trust import TRUST_HELP
from slimtune.training.errors import ConfigError, ModelError, UserError
from slimtune.training.usual_places import USUAL_STORE, at_home
from slimtune.training.writable_folder import check_writable


def run(arguments: Sequence[str]) -> int:
    """Export, quantize, verify and bundle.

    Raises:
        UserError: The checkpoint cannot be used, or no variant passed the gate.
    """
    options = command_parser().parse_intermixed_args(arguments)
    values = _composed(options.override)
    config = _config(values)
    note_own_code(values)
    request = ExportRequest(
        options.run, checked(options.storage), options.tracking_uri, options.base, options.override, values
    )
    out = Path(options.out)
    check_writable(out.parent, "the folder of --out")
    sources = {"--run": options.run, "--base": options.base}
    check_export_folder(out, config, {option: name for option, name in sources.items() if name is not None})
    with opened(request) as source, removed_if_failed(out):
        from slimtune.export.pipeline import export_checkpoint

        exported = export_checkpoint(
            source.checkpoint, config=config, folder=out, provenance=source.provenance, trust=options.trust
        )
    from rich.console import Console

    from slimtune.sweeper.reporting import terminal

    console = Console()
    terminal.print_variants(console, exported.as_dict())
    if exported.bundle is None:
        from slimtune.export.verification.limits import none_passed

        raise ModelError(f"{none_passed(exported.as_dict()['reports'], config.limits)}; no bundle was written")
    folder = exported.bundle.folder
    texts = predict_arguments(exported.bundle.manifest.interface)
    terminal.print_next(console, {"try the model": f"slimtune predict --model {shlex.quote(str(folder))} {texts}"})
    return 0


def command_parser() -> argparse.ArgumentParser:
    """What can be given on the command line."""
    parser = CommandParser(prog="slimtune export", description=__doc__, takes_keys=True)
    parser.keys = lambda: overridable_keys("export")
    parser.add_argument(
        "--run", required=True, help="a checkpoint's folder, a run's id, a sweep, or a third-party model"
    )
    parser.add_argument("--out", type=at_home, required=True, help="folder to write")
    parser.add_argument("--base", help="what a third-party adapter is over (default: what its settings name)")
    parser.add_argument("--storage", help="URL of a sweep's study, if search.storage was set")
    parser.add_argument("--tracking-uri", help=f"MLflow store of a run id ({USUAL_STORE})")
    parser.add_argument("--trust", action="store_true", help=TRUST_HELP)
    parser.add_argument(
        "override",
        nargs="*",
        default=[],
        help="keys of the group export, e.g. export.min_agreement=0.98; for a third-party model also its task and "
        "rows, e.g. task=classification data.train_file=rows.jsonl",
    )
    return parser


def _composed(overrides: Sequence[str]) -> dict[str, Any]:
    from hydra import compose, initialize_config_module
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    from slimtune.sweeper.config_values import CONFIG_MODULE, CONFIG_NAME, VERSION_BASE, plain

    try:
        with initialize_config_module(CONFIG_MODULE, version_base=VERSION_BASE):
            return plain(compose(CONFIG_NAME, overrides=list(overrides)))
    except (HydraException, OmegaConfBaseException) as error:
        raise ConfigError([str(error).splitlines()[0]]) from error


def _config(values: Mapping[str, Any]) -> OnnxExport:
    parsed = parse_export(values["export"])
    if parsed.problems:
        raise ConfigError(parsed.problems)
    if not isinstance(parsed.section, OnnxExport):
        raise UserError("slimtune export needs a kind of export; remove export=none")
    return parsed.section
