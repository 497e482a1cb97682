"""A search over any Hydra app: only search, then say what was best."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from omegaconf import OmegaConf

from slimtune.sweeper.search.beginning import begin
from slimtune.sweeper.search.ending import note_ending
from slimtune.sweeper.search.launching import make_launcher, search
from slimtune.sweeper.search.request import SweepRequest, first_choices
from slimtune.sweeper.search.study_spec import make_worker, notes_of, study_spec
from slimtune.sweeper.search_config import Hyperband, Rungs
from slimtune.sweeper.study import Study

log = logging.getLogger(__name__)
RESULTS_FILE = "optimization_results.yaml"


class HydraCampaign:
    """Calls the app's task function once a trial; steps of its reports are its own."""

    def check(self, request: SweepRequest) -> Sequence[str]:
        """Hyperband needs its last rung, which nobody but the app's author knows."""
        pruner = request.search.pruner if request.search else None
        if isinstance(pruner, Hyperband) and pruner.max_examples is None:
            return ["hydra.sweeper.search.pruner.max_examples is null; set it to the last step that the app reports"]
        return []

    def check_dimension(self, key: str, variants: Sequence[Mapping[str, Any]]) -> Sequence[str]:
        """Nobody but the app's author knows what its task function reads."""
        return []

    def run(self, request: SweepRequest) -> Any:
        """Search, and write `optimization_results.yaml` into the sweep's folder.

        Returns:
            The best value and its parameters, or None if no trial completed.
        """
        spec = study_spec(request, Rungs(eval_every=1, longest=1))
        study = Study(spec)
        for note in (*notes_of(request), *begin(study, request, differs=_never)):
            log.warning("%s", note)
        worker = make_worker(request, spec, parent_run_id=None)
        search(
            study,
            make_launcher(request.app, worker),
            num_workers=request.search.config.num_workers,
            first_choices=first_choices(request),
        )
        if (reason := note_ending(study)) is not None:
            log.warning("the search has ended: %s", reason)
        ranked = study.ranked()
        if not ranked:
            log.error("no trial completed; see %s", request.folder)
            return None
        best = {"name": "slimtune", "best_value": ranked[0].objective, "best_params": dict(ranked[0].params)}
        OmegaConf.save(OmegaConf.create(best), request.folder / RESULTS_FILE)
        log.info("best: trial %d, %s", ranked[0].number, best)
        return best


def _never(_: Mapping[str, Any]) -> None:
    """Nobody but the app's author knows what another sweep of the app was measured by."""
