"""`slimtune export`: a checkpoint, or the run of a trial, as a verified bundle."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from export.card import predict_arguments
from export.config import OnnxExport, parse_export
from training.errors import ConfigError, ModelError, UserError


def run(arguments: Sequence[str]) -> int:
    """Export, quantize, verify and bundle.

    Raises:
        UserError: The checkpoint cannot be used, or no variant passed the gate.
    """
    options = _parser().parse_args(arguments)
    limits = _limits(options.override)
    from rich.console import Console

    from export.pipeline import export_checkpoint
    from sweeper import summary
    from training.checkpoint_source import find_checkpoint

    checkpoint = find_checkpoint(options.run, options.tracking_uri)
    exported = export_checkpoint(checkpoint, limits, Path(options.out), facts={"source_checkpoint": str(options.run)})
    chosen = exported.chosen.name if exported.chosen else None
    console = Console()
    reports = [report.as_dict() for report in exported.reports]
    summary.print_variants(console, {"reports": reports, "chosen": chosen})
    if exported.bundle is None:
        raise ModelError("no variant is within the limits, see the column gate; no bundle was written")
    folder = exported.bundle.folder
    texts = predict_arguments(takes_pairs=exported.bundle.takes_pairs)
    summary.print_next(console, {"try the model": f"slimtune predict --model {folder} {texts}"})
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="slimtune export", description=__doc__)
    parser.add_argument("--run", required=True, help="a checkpoint's folder, or the id of a run with a checkpoint")
    parser.add_argument("--out", required=True, help="folder to write")
    parser.add_argument("--tracking-uri", help="MLflow store of a run id (default: mlruns/mlflow.db)")
    parser.add_argument("override", nargs="*", help="keys of the group export, e.g. export.min_agreement=0.98")
    return parser


def _limits(overrides: Sequence[str]) -> OnnxExport:
    from hydra import compose, initialize_config_module
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    from sweeper.composed import plain

    try:
        with initialize_config_module("conf", version_base="1.3"):
            config = compose("config", overrides=list(overrides))
    except (HydraException, OmegaConfBaseException) as error:
        raise ConfigError([str(error).splitlines()[0]]) from error
    parsed = parse_export(plain(config)["export"])
    if parsed.problems:
        raise ConfigError(parsed.problems)
    if not isinstance(parsed.section, OnnxExport):
        raise UserError("slimtune export needs a kind of export; remove export=none")
    return parsed.section
