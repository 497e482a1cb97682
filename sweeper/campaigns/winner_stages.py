"""What becomes of the winner: test read once, exported. Each stage is done once, also over a restart."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from slimtune.export.bundle.export_folder import BUNDLE, EXPORT_FOLDER, PICTURE, REPORT
from slimtune.export.bundle.manifest import Provenance
from slimtune.export.bundle.model_card import predict_arguments
from slimtune.export.config import OnnxExport
from slimtune.export.pipeline import export_checkpoint
from slimtune.export.registry.signature import row_to_send
from slimtune.sweeper.finalist import Finalist
from slimtune.sweeper.search.request import SweepRequest
from slimtune.sweeper.study import Study
from slimtune.sweeper.study.analysis.outcome import OF_CHECKPOINT, checkpoint_of
from slimtune.sweeper.study.record import DOING, WINNER
from slimtune.training.checkpoints.checkpoint import open_checkpoint
from slimtune.training.evaluation.test_score import read_test
from slimtune.training.tracking.run import TrackedRun
from slimtune.training.workbench.prepared_data import ReadRows

Stage = dict[str, Any]


def always(_: Stage) -> bool:
    """Of what cannot go missing."""
    return True


def once(
    study: Study, name: str, key: object, make: Callable[[], Stage], *, is_there: Callable[[Stage], bool] = always
) -> Stage:
    """The result of a stage, from an earlier run of the command or made now.

    Args:
        study: Keeps the results.
        name: Of the stage.
        key: What the stage depends on: another winner or another export config makes it anew.
        make: Does the work.
        is_there: Whether what was made is still there; by default it is.
    """
    attrs = study.attrs()
    known = attrs.get(name)
    if known is None or known["key"] != str(key) or not is_there(known["result"]):
        # another process tells what is done now
        study.set_attr(DOING, name)
        known = {"key": str(key), OF_CHECKPOINT: checkpoint_of(attrs.get(WINNER)), "result": make()}
        study.set_attr(name, known)
        study.set_attr(DOING, None)
    result: Stage = known["result"]
    return result


def name_in(folder: Path, path: Path) -> str:
    """A path that stays the same when the sweep's folder is moved."""
    return str(path.relative_to(folder) if path.is_relative_to(folder) else path)


def found_in(exported: Stage, folder: Path) -> Stage:
    """With the bundle where it lies now."""
    inside = folder / EXPORT_FOLDER / BUNDLE
    return {**exported, "bundle": str(inside)} if exported["bundle"] and inside.is_dir() else exported


def has_bundle(exported: Stage, folder: Path) -> bool:
    """Whether the export's bundle, if it made one, is still there."""
    return not exported["bundle"] or Path(found_in(exported, folder)["bundle"]).is_dir()


def apart_from_place(exported: Stage) -> Stage:
    """What was exported, wherever it lies."""
    return {key: value for key, value in exported.items() if key != "bundle"}


def test_stage(checkpoint: Path, *, trial: int, seed: int, read: ReadRows, before: Mapping[str, Any]) -> Stage:
    """The winner's test scores; empty if the data has no test rows.

    Args:
        checkpoint: Of the winner's best run.
        trial: The winner.
        seed: Of the intervals.
        read: Rows that were read before.
        before: What was found for another checkpoint of the same sweep; empty if there was none.
    """
    result = read_test(open_checkpoint(checkpoint), seed=seed, read=read)
    if result is None:
        return {}
    return {
        "num_rows": result.num_rows,
        "scores": {name: item._asdict() for name, item in result.scores.items()},
        "details": dict(result.details),
        **({} if result.note is None else {"note": result.note}),
        **({"readings": 1 + int(before.get("readings", 1))} if before else {}),
        # an earlier one may have been read before trials were noted
        **({"trials": [*before.get("trials", ()), trial]} if not before or "trials" in before else {}),
    }


def export_stage(  # noqa: PLR0913
    request: SweepRequest, config: OnnxExport, chosen: Finalist, *, checkpoint: Path, known: Provenance, read: ReadRows
) -> Stage:
    """Export the winner into `export/` of the sweep's folder.

    Args:
        request: The sweep's.
        config: What to try, and what a variant may cost.
        chosen: The winner.
        checkpoint: Of its best run.
        known: The sweep's own run, the winner's best run and its test scores.
        read: Rows that were read before.
    """
    exported_score = next(run.score for run in chosen.runs if run.checkpoint == checkpoint)
    provenance = replace(
        known,
        sweep=request.search.config.name,
        trial=chosen.number,
        params=dict(chosen.params),
        validation_over_seeds={
            "mean": chosen.mean,
            "spread": chosen.spread,
            "num_seeds": len(chosen.runs),
            "exported": exported_score,
        },
    )
    folder = request.folder / EXPORT_FOLDER
    exported = export_checkpoint(checkpoint, config=config, folder=folder, provenance=provenance, read=read)
    arguments = predict_arguments(exported.bundle.manifest.interface) if exported.bundle else ""
    row = row_to_send(exported.bundle) if exported.bundle else None
    return {**exported.as_dict(), "arguments": arguments, "row": row}


def log_verification(run: TrackedRun, folder: Path) -> None:
    """What was measured of the variants, as files of a run."""
    for name in (REPORT, PICTURE):
        run.log_file(folder / EXPORT_FOLDER / name)
