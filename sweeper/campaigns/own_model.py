"""What models of a sweep cost, beside its constraints and objectives: told before the first trial."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

from slimtune.sweeper.campaigns.preflight import others, sizes
from slimtune.sweeper.goals.goals import LATENCY, MODEL_COSTS, SIZE, TRAINED
from slimtune.sweeper.search.request import SweepRequest
from slimtune.training.errors import ConfigError
from slimtune.training.listed_names import with_commas

if TYPE_CHECKING:
    from slimtune.training.workbench.model_costs import CostMeter, ModelCosts

# sections that a model is made of, or groups of them
SHAPING = ("model", "method", "data", "task")
# by objective, the number of a model that is equal where it is, and what has to be searched for another one
TOLD_BY: "Mapping[str, Callable[[ModelCosts], object]]" = {
    SIZE: lambda looked: looked.size_mb,
    LATENCY: lambda looked: looked.architecture,
    TRAINED: lambda looked: looked.trained_parameters,
}
CHANGED_BY = {
    SIZE: "adapters are merged, so that it is another one with another model alone: search model.name_or_path or the "
    "keys of model.scratch",
    LATENCY: "models of one shape are timed once, so that it is another one with another model or longer rows: search "
    "model.name_or_path, the keys of model.scratch or data.max_length",
    TRAINED: "it is another one where more of the model is trained: search method, or with one method its size, such "
    "as method.r or method.trained_layers",
}


def own_model_notes(request: SweepRequest, meter: "CostMeter | None") -> Sequence[str]:
    """What is said of a model that breaks a constraint.

    Raises:
        ConfigError: All trials have this model.
    """
    goals = request.search.goals
    if meter is None or not goals.constraints:
        return []
    looked = meter.look(request.tried)
    broken = goals.broken({SIZE: looked.size_mb, TRAINED: float(looked.trained_parameters)})
    shaping = [key for key in request.space.searched_keys() if key.lstrip("+").partition(".")[0] in SHAPING]
    if broken and not shaping:
        raise ConfigError([f"{one}, and nothing is searched that would change it" for one in broken])
    return [f"the config's own model breaks a constraint: {one}" for one in broken]


def equal_objective_notes(request: SweepRequest, meter: "CostMeter") -> list[str]:
    """What is said of objectives that are the same in all trials: known of the models that the search has.

    Args:
        request: The sweep's.
        meter: Looks at these models.
    """
    names = [one.name for one in request.search.goals.objectives]
    equal = [name for name in names if name in MODEL_COSTS]
    # a single trial has nothing to differ from, and a function of the user's own may search what it likes
    is_known = request.space.searched_keys() and not request.space.is_open and request.extension is None
    if not equal or not is_known:
        return []
    own = meter.look(request.tried)
    for values in _other_models(request):
        looked = meter.look(values)
        equal = [name for name in equal if TOLD_BY[name](looked) == TOLD_BY[name](own)]
        if not equal:
            return []
    left = [name for name in names if name not in equal]
    then = (
        f"so that the search goes by {with_commas(left)} alone" if left else "so that no trial is better than another"
    )
    return [f"{name} is the same in all trials, {then}; {CHANGED_BY[name]}" for name in equal]


def _other_models(request: SweepRequest) -> Iterator[Mapping[str, Any]]:
    """Configs of the search whose models may be others, those of the same rows first."""
    of_methods = (one.values for one in sizes(request) if one.values["method"] != request.tried["method"])
    yield from chain(of_methods, (one.values for one in others(request)))
