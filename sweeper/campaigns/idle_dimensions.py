"""Dimensions that trials read and whose values can change no result, because of what else is set."""

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from slimtune.sweeper.search.request import SweepRequest
from slimtune.sweeper.space.dimension import Scalar, edges
from slimtune.training.config.fit import FitConfig
from slimtune.training.config.model import Quantization
from slimtune.training.config.task import LESS_IS_BETTER, GenerationTask
from slimtune.training.config.trial import TrialConfig, parse_trial
from slimtune.training.engine.cadence import Plan, plan_of
from slimtune.training.errors import ConfigError
from slimtune.training.listed_names import counted
from slimtune.training.package_path import PACKAGE_SCHEME
from slimtune.training.usual_places import home_path
from slimtune.training.workbench.idle_keys import has_matrices, has_new_layers, longest_uncut_row
from slimtune.training.workbench.prepared_data import PreparedData

# trials of other methods have the same rows
METHOD = "method"
MAX_LENGTH, HEAD_RATIO, DECAY = "data.max_length", "fit.head_lr_ratio", "fit.weight_decay"
# keys of methods that decide on what is trained
CHOOSE_TRAINED = ("method.trained_layers", "method.modules_to_save", "method.target_modules")
# sections that decide how many rows there are to train on
ROW_SECTIONS = ("data", "task", "model")


class Cause(NamedTuple):
    """Why a key changes nothing.

    Attributes:
        keys: What decides that.
        said: Of their values.
    """

    keys: tuple[str, ...]
    said: str


class Length(NamedTuple):
    """What a key of `fit` does to the length of a trial or within it.

    Attributes:
        beside: Other keys that it depends on.
        effect: Of a trial and its plan; a value of the key whose effect is that of another one changes nothing.
        said: Why all of its values have one effect; the first of `beside` fills a gap in it.
    """

    beside: tuple[str, ...]
    effect: Callable[[FitConfig, Plan], object]
    said: str


def _stops_at(fit: FitConfig, plan: Plan) -> object:
    """Evaluations without improvement that end a trial; None if there are not so many after the first."""
    evaluations = math.ceil(plan.total_examples / plan.eval_every)
    return fit.patience if fit.patience is not None and fit.patience < evaluations else None


LENGTHS = {
    "fit.epochs": Length(("fit.max_steps", "fit.batch_size"), lambda _, plan: plan, "{} ends every trial first"),
    "fit.max_steps": Length(("fit.epochs", "fit.batch_size"), lambda _, plan: plan, "{} ends every trial first"),
    "fit.patience": Length(
        ("fit.epochs", "fit.max_steps", "fit.batch_size", "fit.eval_every", "fit.eval_steps"),
        _stops_at,
        "by fit.eval_every no trial is evaluated so often, so that none is ended by it",
    ),
    "fit.warmup_share": Length(
        ("fit.epochs", "fit.max_steps", "fit.batch_size"),
        lambda fit, plan: math.ceil(fit.warmup_share * plan.num_train_steps),
        "trials are so short that all of its values are the same number of steps",
    ),
}


def check_dimensions(request: SweepRequest, num_rows: int | None) -> None:
    """Whether each dimension can change something.

    Args:
        request: The sweep's.
        num_rows: Rows that the config's own trial trains on; None if they cannot be read.

    Raises:
        ConfigError: One cannot, whatever the others are.
    """
    parsed = [parse_trial(values) for values in (request.tried, *(other.values for other in request.others))]
    configs = [one.section for one in parsed if not one.problems]
    problems = [*_caused(request, configs), *([] if num_rows is None else _of_length(request, configs, num_rows))]
    if problems:
        raise ConfigError(problems)


def check_effects(request: SweepRequest, data: PreparedData) -> None:
    """Whether each dimension can change something for the rows and the model at hand, where all trials share them.

    Args:
        request: The sweep's.
        data: The config's own.

    Raises:
        ConfigError: One cannot.
    """
    problems = [_told(key, why) for key, why in _without_effect(request, data)]
    if problems:
        raise ConfigError(problems)


def _without_effect(request: SweepRequest, data: PreparedData) -> Iterator[tuple[str, str]]:
    searched, common = request.space.searched_keys(), request.space.common
    rows = [key for key in searched if key.partition(".")[0] in ROW_SECTIONS]
    groups = {group for branch in request.space.branches for group in branch.choices}
    if request.space.is_open or groups - {METHOD}:
        # more is searched than is known, or other trials have other models
        return
    is_alone = rows == [MAX_LENGTH] and MAX_LENGTH in common
    longest = longest_uncut_row(data) if is_alone else None
    if longest is not None and all(int(str(value)) >= longest for value in edges(common[MAX_LENGTH])):
        yield MAX_LENGTH, f"no row has more than {counted(longest, 'token')}"
    if groups or set(rows) - {MAX_LENGTH}:
        return
    if HEAD_RATIO in searched and not has_new_layers(data):
        yield HEAD_RATIO, "the model has no layers that its checkpoint lacks"
    is_same_method = not any(key == "method" or key in CHOOSE_TRAINED for key in searched)
    if DECAY in searched and is_same_method and not has_matrices(data):
        yield DECAY, "matrices decay, and none is trained"


def _caused(request: SweepRequest, configs: Sequence[TrialConfig]) -> Iterator[str]:
    searched = request.space.searched_keys()
    causes = [_causes(config, has_own_goals=request.search.goals.is_named) for config in configs]
    for key in searched:
        found = [one[key] for one in causes if key in one]
        if len(found) == len(configs) and not any(name in searched for cause in found for name in cause.keys):
            yield _told(key, found[0].said)


def _causes(config: TrialConfig, *, has_own_goals: bool) -> Mapping[str, Cause]:
    model, task = config.model, config.task
    causes = {}
    if config.fit.patience is None:
        causes["fit.min_improvement"] = Cause(("fit.patience",), "fit.patience is null")
    if model.quantization not in (Quantization.nf4, Quantization.fp4):
        kept = model.quantization.value if model.quantization else "null"
        causes["model.double_quantization"] = Cause(("model.quantization",), f"model.quantization is {kept}")
    if model.scratch is None:
        causes["model.seed"] = Cause(("model.scratch", "model"), "model.scratch is null, so that no weights are drawn")
    if _is_local(model.name_or_path):
        source = Cause(("model.name_or_path", "model"), f"{model.name_or_path} is no model of the hub")
        causes["model.revision"] = source
    if isinstance(task, GenerationTask) and task.metric in LESS_IS_BETTER and not has_own_goals:
        written = Cause(
            ("task.metric", "task"), f"task.metric is {task.metric}, which is not of text that is generated"
        )
        causes |= dict.fromkeys(("task.num_beams", "task.eval_rows"), written)
    return causes


def _is_local(name: str | None) -> bool:
    return name is None or name.startswith(PACKAGE_SCHEME) or home_path(name).is_dir()


def _of_length(request: SweepRequest, configs: Sequence[TrialConfig], num_rows: int) -> Iterator[str]:
    searched = request.space.common
    if any(key.partition(".")[0] in ROW_SECTIONS for key in request.space.searched_keys()):
        # other trials have other rows
        return
    beside = ("fit.batch_size", "fit.eval_every", "fit.eval_steps")
    values = {key: edges(searched[key]) for key in (*LENGTHS, *beside) if key in searched}
    for key, length in LENGTHS.items():
        if key in values and all(_is_idle(key, length, values, config.fit, num_rows) for config in configs):
            decider = length.beside[0]
            shown = decider if decider in values else f"{decider}={_value(configs[0].fit, decider):g}"
            yield _told(key, f"{length.said.format(shown)} ({counted(num_rows, 'training row')})")


def _is_idle(key: str, length: Length, values: Mapping[str, Sequence[Scalar]], fit: FitConfig, num_rows: int) -> bool:
    """Whether all values of a key have one effect, beside each combination of what else is searched."""
    beside = [name for name in length.beside if name in values]
    for others in itertools.product(*(values[name] for name in beside)):
        fixed = _with(fit, dict(zip(beside, others, strict=True)))
        if len({_effect(length, _with(fixed, {key: one}), num_rows) for one in values[key]}) > 1:
            return False
    return True


def _effect(length: Length, fit: FitConfig, num_rows: int) -> object:
    return length.effect(fit, plan_of(fit, num_rows))


def _with(fit: FitConfig, values: Mapping[str, Any]) -> FitConfig:
    return replace(fit, **{key.partition(".")[2]: value for key, value in values.items()})


def _value(fit: FitConfig, key: str) -> float:
    return float(getattr(fit, key.partition(".")[2]) or 0)


def _told(key: str, why: str) -> str:
    return f"{key} is searched, and none of its values changes a result: {why}; give {key} one value"
