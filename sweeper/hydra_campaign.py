"""A search over any Hydra app: only search, then say what was best."""

import logging
import os
from collections.abc import Sequence
from typing import Any

from omegaconf import OmegaConf

from sweeper.config import HyperbandPruner, NoPruner
from sweeper.source import Place
from sweeper.study import Study, StudySpec
from sweeper.study.pruners import Rungs
from sweeper.sweep import SweepRequest, first_choices, make_launcher, search
from sweeper.worker import Worker

log = logging.getLogger(__name__)

RESULTS = "optimization_results.yaml"


class HydraCampaign:
    """Calls the app's task function once a trial; steps of its reports are its own."""

    def check(self, request: SweepRequest) -> Sequence[str]:
        """Hyperband needs its last rung, which nobody but the app's author knows."""
        pruner = request.search.pruner if request.search else None
        if isinstance(pruner, HyperbandPruner) and pruner.max_examples is None:
            return ["hydra.sweeper.search.pruner.max_examples is null; set it to the last step that the app reports"]
        return []

    def run(self, request: SweepRequest) -> Any:
        """Search, and write `optimization_results.yaml` into the sweep's folder.

        Returns:
            The best value and its parameters, or None if no trial completed.
        """
        spec = study_spec(request, Rungs(eval_every=1, longest=1))
        study = Study(spec)
        study.start_from(request.start_point())
        worker = make_worker(request, spec, parent_run_id=None)
        search(
            study,
            make_launcher(request.app, worker),
            num_workers=request.search.config.num_workers,
            first_choices=first_choices(request),
        )
        ranked = study.ranked()
        if not ranked:
            log.error("no trial completed; see %s", request.folder)
            return None
        best = {"name": "slimtune", "best_value": ranked[0].objective, "best_params": dict(ranked[0].params)}
        OmegaConf.save(OmegaConf.create(best), request.folder / RESULTS)
        log.info("best: trial %d, %s", ranked[0].number, best)
        return best


def study_spec(request: SweepRequest, rungs: Rungs) -> StudySpec:
    """The study of a sweep's trials."""
    config = request.search.config
    return StudySpec(
        name=config.name,
        storage=request.storage,
        maximize=request.search.maximize,
        n_trials=config.n_trials,
        seed=config.seed,
        sampler=request.search.sampler,
        pruner=request.search.pruner,
        rungs=rungs,
        # without a pruner every trial is wanted whole
        stop_hopeless=config.stop_hopeless and not isinstance(request.search.pruner, NoPruner),
        space=request.space,
        max_retries=config.max_retries,
    )


def make_worker(request: SweepRequest, spec: StudySpec, *, parent_run_id: str | None, kind: str = "trial") -> Worker:
    """The job that a launcher runs."""
    return Worker(
        hydra_context=request.app.context,
        config=request.app.config,
        task_function=request.app.task_function,
        entry=request.worker_entry,
        fixed=request.fixed,
        spec=spec,
        place=Place(
            experiment=request.search.config.name,
            kind=kind,
            folder=request.folder / f"{kind}s",
            parent_run_id=parent_run_id,
        ),
        num_workers=request.search.config.num_workers,
        launcher_pid=os.getpid(),
    )
