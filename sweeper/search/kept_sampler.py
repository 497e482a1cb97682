"""Which sampler `auto` is in a study that was begun before: the one that it was then."""

from dataclasses import asdict
from typing import Any

from slimtune.sweeper.sampler_config import SAMPLERS, AutoSearch, DrawnSampler
from slimtune.sweeper.search.choose_sampler import PREFIX
from slimtune.sweeper.search.request import SweepRequest
from slimtune.sweeper.study import Study
from slimtune.sweeper.study.record import SAMPLER
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
    chosen = study.spec.sampler
    values: dict[str, Any] = asdict(chosen)
    study.set_attr(SAMPLER, {"n_trials": wanted, "sampler": values})
    return chosen
