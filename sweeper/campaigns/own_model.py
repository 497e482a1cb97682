"""What the model of the config's own point costs, beside the constraints: told before the first trial."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from slimtune.sweeper.goals.goals import SIZE, TRAINED
from slimtune.sweeper.search.request import SweepRequest
from slimtune.training.errors import ConfigError

if TYPE_CHECKING:
    from slimtune.training.workbench.model_costs import CostMeter

# sections that a model is made of, or groups of them
SHAPING = ("model", "method", "data", "task")


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
