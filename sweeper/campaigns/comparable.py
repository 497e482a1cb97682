"""What a trial's result depends on, and what makes the results of two trials comparable."""

from collections.abc import Mapping, Sequence
from typing import Any

from slimtune.training.config.data import ROWS_OF_FILES
from slimtune.training.config.trial import RESULT_SECTIONS
from slimtune.training.tracking.display import by_dotted_key

# where a trial runs and how much of it is kept: its result does not depend on these, but for rounding and the draws of
# dropout
NEUTRAL_KEYS = {
    "data.name",
    "data.cache_dir",
    "data.baselines",
    "fit.device",
    "fit.devices",
    "fit.fsdp",
    "fit.threads",
    "fit.slots",
    "fit.compile",
    "fit.cuda_graphs",
    "fit.row_packing",
    "fit.micro_batch_size",
    "fit.gradient_checkpointing",
    "fit.eval_batch_size",
    "fit.max_memory_mb",
    "fit.save_minutes",
    "fit.save_steps",
}
# which rows validate, what their answers are, and what is counted on them
MEASURING_KEYS = (
    "task.name",
    "task.metric",
    "task.direction",
    "task.alike_label",
    "task.score_range",
    "data.label_column",
    "data.target_column",
    "data.dataset",
    "data.dataset_config",
    "data.validation_file",
    "data.validation_share",
    "data.validation_rows",
    "data.eval_split",
    "data.test_file",
    "data.test_share",
    "data.test_split",
    "data.group_column",
    "data.seed",
)
# these name the rows that validate as well, where none are named
TRAINING_KEYS = ("data.train_split", "data.train_file")
# without a data set these are rows of one of the files, which names them too
HELD_OUT_SPLITS = ("eval_split", "test_split")


def result_keys(values: Mapping[str, Any]) -> dict[str, Any]:
    """Everything of a config that a trial's result depends on, by dotted key."""
    dotted = by_dotted_key({name: values.get(name) for name in RESULT_SECTIONS})
    return {key: value for key, value in dotted.items() if key not in NEUTRAL_KEYS}


def dimension_problems(key: str, variants: Sequence[Mapping[str, Any]]) -> list[str]:
    """What is wrong with searching a key.

    Args:
        key: The key, or a config group.
        variants: The config with each end of its dimension.
    """
    if len(variants) < 2:
        return []
    first, *others = [result_keys(values) for values in variants]
    changed = {name for other in others for name in first.keys() | other.keys() if first.get(name) != other.get(name)}
    if not changed:
        return [f"{key} is searched, but no trial's result depends on it; give it one value"]
    steps = _section(variants[0], "fit").get("eval_steps")
    if "fit.batch_size" in changed and steps is not None:
        return [
            f"{key} is searched and fit.eval_steps is {steps}: trials of other batches would be compared after other "
            "numbers of rows; use fit.eval_every, in rows, and fit.eval_steps=null"
        ]
    measuring = sorted(changed & _measuring(variants[0]))
    if measuring:
        with_it = "" if measuring == [key] else f", and with it {', '.join(measuring)}"
        return [
            f"{key} is searched{with_it}: trials would be measured by different rows or "
            "metrics, so their scores do not compare; run a sweep for each"
        ]
    return []


def _section(values: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Of a config that has not been looked at; what is no section is told elsewhere."""
    found = values.get(name)
    return found if isinstance(found, Mapping) else {}


def _measuring(values: Mapping[str, Any]) -> set[str]:
    data = _section(values, "data")
    is_split_off = data.get("validation_file") is None and data.get("eval_split") is None
    splits = [data.get(key) for key in HELD_OUT_SPLITS if data.get("dataset") is None]
    forms = [ROWS_OF_FILES.fullmatch(split) for split in splits if isinstance(split, str)]
    sliced = {f"data.{form['split']}_file" for form in forms if form}
    return {*MEASURING_KEYS, *(TRAINING_KEYS if is_split_off else ()), *sliced}
