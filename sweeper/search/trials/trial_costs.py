"""What a trial's model costs, by the names that the search goes by."""

from typing import TYPE_CHECKING

from omegaconf import DictConfig

from slimtune.sweeper.config_values import plain
from slimtune.sweeper.goals.goals import LATENCY, MODEL_COSTS, SIZE, TRAINED
from slimtune.sweeper.study import AskedTrial, Study
from slimtune.sweeper.study.record import COSTS

if TYPE_CHECKING:
    from slimtune.training.workbench.model_costs import CostMeter

# user attribute of a study: how fast a model of an architecture is
TIMED = "latency_ms:"


def costs_of(study: Study, meter: "CostMeter | None", asked: AskedTrial, composed: DictConfig) -> dict[str, float]:
    """The costs that the study's goals name, as far as they are known before training, noted on the trial.

    Models that are alike are timed once in a study, so that trials do not differ by chance, and a trial that is tried
    again costs what it did.

    Raises:
        UserError: The model cannot be looked at.
    """
    wanted = [name for name in study.spec.goals.names if name in MODEL_COSTS]
    known: dict[str, float] = dict(asked.attrs.get(COSTS, {}))
    if meter is None or known.keys() >= set(wanted):
        return known
    looked = meter.look(plain(composed))
    found = {SIZE: looked.size_mb, TRAINED: float(looked.trained_parameters)}
    if LATENCY in wanted:
        key = f"{TIMED}{looked.architecture}"
        if key not in study.attrs():
            timed = meter.latency_ms(looked)
            # another worker may have been quicker
            if key not in study.attrs():
                study.set_attr(key, timed)
        found[LATENCY] = study.attrs()[key]
    costs = {name: found[name] for name in wanted}
    study.set_trial_attr(asked.number, COSTS, costs)
    return costs
