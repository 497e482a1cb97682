"""What kind of model a folder holds, by the files in it; nothing is imported to look."""

from collections.abc import Mapping
from pathlib import Path
from shlex import quote

from slimtune.training.broken_files import BROKEN, read_object
from slimtune.training.config.near_names import nearest_name
from slimtune.training.usual_places import OUTPUTS, STUDY_FILE, sweeps_under
from slimtune.training.usual_places import RECORD as RECORD

# of a state that a killed trial goes on from: how its folder is called, and the file in it that says what it is of
STATE_PREFIX, STATE_FACTS = "resume-", "state.json"
# of a trial, in its folder
CONFIG = "config.yaml"
ADAPTER, MODEL_CONFIG, MANIFEST, TRIALS = "adapter_config.json", "config.json", "manifest.json", "trials"
# how the names of transformers' classes with a head end, and the task that trains such a one
TASKS: Mapping[str, str] = {
    "ForSequenceClassification": "classification",
    "ForTokenClassification": "extraction",
    "ForCausalLM": "generation",
    "LMHeadModel": "generation",
    "ForConditionalGeneration": "generation",
}
ROWS = "data.train_file=rows.jsonl"


def is_checkpoint(folder: Path) -> bool:
    """Whether slimtune wrote it."""
    return (folder / RECORD).is_file()


def repair_of(folder: Path) -> str | None:
    """What to do with what is no bundle or no checkpoint, by what it is; None if nothing is known of it."""
    given = quote(str(folder))
    if not folder.exists():
        return "there is no folder of that name; " + _of_sweeps(folder)
    if folder.is_file():
        return f"it is a file; give a folder, e.g. {quote(str(folder.parent))}"
    if (folder / MANIFEST).is_file():
        return f"it is a bundle already, ready to answer: slimtune predict --model {given} --file rows.jsonl"
    if (folder / "bundle" / MANIFEST).is_file():
        return (
            f"an export wrote it, and its bundle is ready to answer: slimtune predict --model {given} --file rows.jsonl"
        )
    if (folder / RECORD).is_file() or any(folder.glob(f"checkpoint-*/{RECORD}")):
        return f"it is a checkpoint of slimtune; make a bundle of it: slimtune export --run {given} --out exported"
    if (folder / STUDY_FILE).is_file() or (folder / TRIALS).is_dir():
        export = f"slimtune export --run {given} --out exported"
        return f"it is a sweep's folder without a bundle; make one of what it chose: {export}{_or_a_trial(folder)}"
    if any(folder.glob("*.onnx")):
        return "it has a graph without tokenizer and manifest, as a variant of an export has; give the bundle beside it"
    if (folder / ADAPTER).is_file():
        return f"it is an adapter of peft; {_export(given, 'classification', labels=True)}"
    return _of_model(folder, given) if (folder / MODEL_CONFIG).is_file() else None


def _or_a_trial(sweep: Path) -> str:
    """What else to give: one of its trials that has kept a checkpoint, if there is one."""
    found = next(iter(sorted(sweep.glob(f"{TRIALS}/*/checkpoint-*/{RECORD}"))), None)
    return "" if found is None else f"; or give one of its trials to evaluate, e.g. {quote(str(found.parent.parent))}"


def _of_sweeps(folder: Path) -> str:
    """What may have been meant by a name."""
    of_sweep = OUTPUTS / folder
    if not folder.is_absolute() and of_sweep.is_dir():
        return f"of the sweep in {of_sweep}: {repair_of(of_sweep)}"
    told = "give a trial's folder, the folder of an export, or a sweep's name where its outputs/ lies"
    return told + near_sweep(folder)


def near_sweep(given: Path) -> str:
    """The sweep under `outputs/` whose name is nearest, or whose folder, as the end of a sentence; empty for none."""
    if given.parent not in (Path(), OUTPUTS):
        return ""
    near = nearest_name(given.name, sweeps_under(OUTPUTS))
    return f"; did you mean '{given.with_name(near)}'?" if near else ""


def _of_model(folder: Path, given: str) -> str:
    """A model of transformers, whose config says whether it has a head."""
    name = _architecture(folder)
    task = next((task for ending, task in TASKS.items() if name.endswith(ending)), None)
    if name and task is None:
        return (
            f"it is a model of transformers ({name}), which answers nothing yet: it has no head that was trained for a "
            f"task; train one: slimtune sweep model.name_or_path={given} {ROWS} search.name=mine"
        )
    return f"it is a model of transformers; {_export(given, task or 'classification')}"


def _export(given: str, task: str, *, labels: bool = False) -> str:
    named = "'task.labels=[...]' " if labels else ""
    return (
        f"make a bundle of it and give exported/bundle: slimtune export --run {given} --out exported task={task} "
        f"{named}{ROWS}"
    )


def _architecture(folder: Path) -> str:
    """Name of transformers' class that wrote it; empty if its config does not say."""
    try:
        found = read_object(folder / MODEL_CONFIG)["architectures"][0]
    except BROKEN:
        return ""
    return found if isinstance(found, str) else ""
