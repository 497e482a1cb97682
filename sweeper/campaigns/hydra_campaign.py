"""A search over any Hydra app: only search, then say what was best."""

import logging
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, NamedTuple

from omegaconf import OmegaConf

from slimtune.sweeper.campaigns.recorded_command import record_command
from slimtune.sweeper.campaigns.selection.chosen_by_goals import no_winner
from slimtune.sweeper.config_values import value_at
from slimtune.sweeper.pruner_config import Hyperband
from slimtune.sweeper.report_page import refresh
from slimtune.sweeper.reporting.refreshed import Refreshed
from slimtune.sweeper.search.beginning import begin
from slimtune.sweeper.search.ending import note_ending
from slimtune.sweeper.search.launching import search_with
from slimtune.sweeper.search.leadership import search_in_turn
from slimtune.sweeper.search.request import SweepRequest
from slimtune.sweeper.search.stopping import check_stop
from slimtune.sweeper.search.study_spec import OwnWorkers, make_worker, open_study, search_notes_of
from slimtune.sweeper.search_config import Rungs
from slimtune.sweeper.space.override_text import chosen_value
from slimtune.sweeper.study import Study, TrialRecord
from slimtune.sweeper.study.liveness.launcher import Launcher
from slimtune.sweeper.study.record import ENDED, FOLDER, MESSAGE
from slimtune.sweeper.study.stop_rules import failed_of, too_many_failures
from slimtune.training.errors import ConfigError, StoreError
from slimtune.training.listed_names import counted
from slimtune.training.tracking.run import NullRun
from slimtune.training.usual_places import PAGE_FILE

log = logging.getLogger(__name__)
RESULTS_FILE = "optimization_results.yaml"
QUOTES = ("'", '"')


class HydraCampaign:
    """Calls the app's task function once a trial; steps of its reports are its own."""

    def check(self, request: SweepRequest) -> Sequence[str]:
        """Hyperband needs its last rung, which nobody but the app's author knows."""
        problems = []
        pruner = request.search.pruner if request.search else None
        if isinstance(pruner, Hyperband) and pruner.max_examples is None:
            problems.append(
                "hydra.sweeper.search.pruner.max_examples is null; set it to the last step that the app reports"
            )
        section = request.app.config.hydra.sweeper.search
        if section.get("objectives") is not None and not OmegaConf.is_missing(section, "direction"):
            problems.append(
                "hydra.sweeper.search has objectives and direction; leave direction out: each objective has its own"
            )
        return problems

    def check_dimension(self, key: str, variants: Sequence[Mapping[str, Any]]) -> Sequence[str]:
        """Nobody but the app's author knows what its task function reads."""
        return []

    def reading(self, key: str, values: Mapping[str, Any]) -> Any:
        """As it is composed: a text stays one where the app's config has no type for the key."""
        return value_at(key, values)

    def refuse(self, problems: Sequence[str], request: SweepRequest) -> None:
        """Nobody but the app's author knows what else its task function needs."""
        raise ConfigError(problems)

    def run(self, request: SweepRequest) -> None:
        """Search, and write `optimization_results.yaml` into the sweep's folder.

        Returns:
            None, as Hydra's own sweepers of this kind do; what is best stands in the file.

        Raises:
            StoreError: More trials failed than may.
            SweepStopped: Somebody has stopped it.
        """
        study = open_study(request, Rungs(eval_every=1, longest=1))
        try:
            with Launcher(study.roster) as own:
                search_in_turn(study, own, _Part(study, request, own))
                self._end(study, request)
                study.set_attr(ENDED, study.num_in_all())
        finally:
            if (request.folder / PAGE_FILE).is_file():
                _page(request).write()

    def _end(self, study: Study, request: SweepRequest) -> None:
        spec = study.spec
        _check_failures(study, request)
        if (reason := note_ending(study)) is not None:
            log.warning("the search has ended: %s", reason)
        if not study.ranked():
            why = no_winner(study.shown(), spec.goals) or f"no trial completed; see {request.folder}"
            log.error(why)
            return
        results = _pareto(study, request) if spec.goals.several else _best(study, request)
        write_results(results, request.folder)


def write_results(results: Mapping[str, Any], folder: Path) -> None:
    """`optimization_results.yaml`, in the form that Hydra's Optuna sweeper gave it."""
    OmegaConf.save(OmegaConf.create({"name": "slimtune", **results}), folder / RESULTS_FILE)


class _Part(NamedTuple):
    """Implements `slimtune.sweeper.search.leadership.Part`."""

    study: Study
    request: SweepRequest
    own: Launcher

    def lead(self) -> None:
        notes = search_notes_of(self.request, self.study.spec.sampler)
        for note in (*notes, *begin(self.study, self.request, differs=_never)):
            self.say(note)
        record_command(self.request, of_program=True)
        self.study.set_attr(FOLDER, str(self.request.folder))
        self.own.begun()

    def check_joining(self) -> None:
        """Nobody but the app's author knows what makes its trials others."""

    def run_trials(self) -> None:
        request = self.request
        worker = make_worker(request, self.study.spec, OwnWorkers(self.own.name))
        with self._refreshed():
            search_with(worker, request, self.study)
        check_stop(self.study)

    def _refreshed(self) -> AbstractContextManager[object]:
        """The page of a search that takes more than a minute, written while trials run, by the process that leads."""
        if not self.own.leads:
            return nullcontext()
        return Refreshed(self.study, _page(self.request).write, refresh.RHYTHM, what="the sweep's page")

    def run_beside(self) -> None:
        """Nothing is trained after the search."""

    def say(self, line: str) -> None:
        log.warning("%s", line)


def _page(request: SweepRequest) -> refresh.PagePlace:
    return refresh.PagePlace(request.storage, request.search.config.name, request.folder, NullRun())


def _best(study: Study, request: SweepRequest) -> dict[str, Any]:
    trial = study.ranked()[0]
    found = best_result(trial, trial.objective, request)
    log.info("Best parameters: %s", found["best_params"])
    log.info("Best value: %s (trial %d)", trial.objective, trial.number)
    return found


def best_result(trial: TrialRecord, value: float | None, request: SweepRequest) -> dict[str, Any]:
    """The one trial that is best by one objective, as that file has it."""
    return {"best_params": _params(trial, request), "best_value": value}


def _pareto(study: Study, request: SweepRequest) -> dict[str, Any]:
    solutions = solutions_of(study.pareto(), request)
    log.info("Number of Pareto solutions: %d", len(solutions))
    for solution in solutions:
        log.info("    Values: %s, Params: %s", solution["values"], solution["params"])
    if not study.spec.goals.is_named:
        return {"solutions": solutions}
    (picked,) = solutions_of(study.ranked()[:1], request)
    log.info("Picked by search.pick: %s (trial %d)", picked, study.ranked()[0].number)
    return {"solutions": solutions, "picked": picked}


def solutions_of(trials: Sequence[TrialRecord], request: SweepRequest) -> list[dict[str, Any]]:
    """Trials as that file has them."""
    return [{"params": _params(trial, request), "values": list(trial.values)} for trial in trials]


def _params(trial: TrialRecord, request: SweepRequest) -> dict[str, Any]:
    """By the keys as they were given; lists and mappings stand as their text, as in the study."""
    named = {f"+{key}" if key in request.added else key: value for key, value in trial.params.items()}
    return {key: chosen_value(value) if str(value).startswith(QUOTES) else value for key, value in named.items()}


def _check_failures(study: Study, request: SweepRequest) -> None:
    failed = failed_of(study.shown())
    # that of the section `search` is told by its own key
    is_rate = request.max_failures is not None and request.max_failures == request.stop_rules.max_failures
    if is_rate and too_many_failures(study.shown(), request.stop_rules):
        last = failed[-1].attrs.get(MESSAGE, failed[-1].kind)
        raise StoreError(
            f"{len(failed)} of {counted(request.num_trials(), 'trial')} failed, more than "
            f"hydra.sweeper.max_failure_rate allows, so the search was ended; trial {failed[-1].number}: {last}; "
            f"see {request.folder}"
        )


def _never(_: Mapping[str, Any]) -> None:
    """Nobody but the app's author knows what another sweep of the app was measured by."""
