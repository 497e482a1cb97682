"""Which sampler `auto` is in a study that was begun before: the one that it was then."""

from dataclasses import asdict
from typing import Any

from slimtune.sweeper.sampler_config import SAMPLERS, AutoSearch, DrawnSampler, GaussianProcessSearch
from slimtune.sweeper.search.choose_sampler import PREFIX, named_sampler
from slimtune.sweeper.search.request import SweepRequest
from slimtune.sweeper.space.dimension import Choice
from slimtune.sweeper.study import Study
from slimtune.sweeper.study.record import BUDGET, SAMPLER
from slimtune.training.config.schema import parse_choice


def kept_sampler(study: Study, request: SweepRequest) -> DrawnSampler:
    """What the study goes on with; for a larger budget than it was begun with, `auto` chooses anew.

    Args:
        study: As it was opened, with what is chosen now.
        request: What is asked for.
    """
    if not isinstance(request.search.sampler, AutoSearch):
        return study.spec.sampler
    wanted, noted = request.search.config.n_trials, study.attrs().get(SAMPLER)
    if noted is not None and wanted <= noted["n_trials"]:
        kept: DrawnSampler = parse_choice(noted["sampler"], SAMPLERS, PREFIX).section
        return kept
    chosen = study.spec.sampler if noted is not None else _as_before_notes(study, wanted)
    values: dict[str, Any] = asdict(chosen)
    study.set_attr(SAMPLER, {"n_trials": wanted, "sampler": values})
    return chosen


def _as_before_notes(study: Study, wanted: int) -> DrawnSampler:
    """Before it was noted, a space with choices had TPE where it has a Gaussian process now."""
    chosen = study.spec.sampler
    has_choices = any(isinstance(step.dimension, Choice) for step in study.spec.space.every_step())
    is_resumed = study.num_begun() > 0 and wanted <= study.attrs().get(BUDGET, wanted)
    was_other = is_resumed and has_choices and isinstance(chosen, GaussianProcessSearch)
    return named_sampler("tpe") if was_other else chosen
