"""A worker job: what a Hydra launcher runs, here or elsewhere, until the study's budget is gone."""

import logging
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hydra.core.hydra_config import HydraConfig
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, open_dict

from slimtune.sweeper.config_values import is_group, plain, with_values
from slimtune.sweeper.search.extension import extension_of
from slimtune.sweeper.search.launchers.gpus import gpus_each
from slimtune.sweeper.search.launchers.interruption import left_to_launcher
from slimtune.sweeper.search.launchers.origin import Origin, Share, settle
from slimtune.sweeper.search.launchers.other_machine import check_storage, enter
from slimtune.sweeper.search.launchers.preemption import end_when_preempted
from slimtune.sweeper.search.trials.job_configs import JobConfigs
from slimtune.sweeper.search.trials.task_runner import run_task_trials
from slimtune.sweeper.search.trials.trial_source import OVERRIDES, StudySource, TrialGroup
from slimtune.sweeper.space.override_text import override_lines
from slimtune.sweeper.study import AskedTrial, Lease, Study, StudySpec
from slimtune.sweeper.study.liveness.watch import WorkerWatch
from slimtune.training.config.dotted_path import imported
from slimtune.training.config.trial import parse_trial
from slimtune.training.config.trust import NamedCode, code_of
from slimtune.training.errors import ConfigError
from slimtune.training.hardware.threads import at_most
from slimtune.training.hardware.waiting import wait_briefly

if TYPE_CHECKING:
    from slimtune.training.workbench.model_costs import CostMeter


@dataclass(slots=True, kw_only=True)
class Worker:
    """A task function for launchers; it is pickled on its way to other processes.

    Attributes:
        hydra_context: Composes the trials' configs.
        config: The sweep's composed config.
        task_function: The app's own, for apps without an entry for workers.
        entry: Dotted path of `run_trials(source)`, or None.
        kept: What the entry may keep from one launch to the next, its second argument; None gives it none.
        fixed: Overrides that hold for every trial.
        spec: The study to join.
        group: Where its trials belong.
        num_workers: How many are launched at once.
        launcher: The lease of the launching process, which a worker in a process of its own does not outlive.
        origin: The launching process: what is this worker's where it runs.
        own_code: What the command names to be imported; overrides that stand in the study name nothing else.
        extension: Dotted path of a function that adds parameters to each trial.
        meter: Looks at the models of trials, where the search goes by what they cost.
        jobs: Composes what trials have in common once.
    """

    hydra_context: HydraContext
    config: DictConfig
    task_function: TaskFunction
    entry: str | None
    kept: object = None
    fixed: Sequence[str]
    spec: StudySpec
    group: TrialGroup
    num_workers: int
    launcher: str
    origin: Origin
    own_code: frozenset[NamedCode] = frozenset()
    extension: str | None = None
    meter: "CostMeter | None" = None
    jobs: JobConfigs | None = None

    def __call__(self, _: DictConfig) -> None:
        """Pull trials until there are no more."""
        logging.captureWarnings(True)
        end_when_preempted()
        wait_briefly()
        share = self._settle()
        interrupts = nullcontext() if self.origin.is_this_process else left_to_launcher()
        with interrupts, at_most(share.cores):
            self._join(share.num_workers)

    def _join(self, num_sharing: int) -> None:
        study = Study(self.spec, extension_of(self.extension, self.config))
        study.roster.launcher = self.launcher
        with Lease(study, launcher=self.origin.process) as lease:
            source = StudySource(
                study, lease, compose=self.compose, group=self.group, num_workers=num_sharing, meter=self.meter
            )
            launcher = None if self.origin.is_this_process else self.launcher
            with WorkerWatch(study.roster, launcher, self.spec.limits, source.give_up) as source.watch:
                self._watched(source, source.watch)

    def _watched(self, source: StudySource, watch: WorkerWatch) -> None:
        """Until there are no more; trials that the watch interrupts end there."""
        kept = self.kept
        while True:
            try:
                return self._pull(source, kept)
            except KeyboardInterrupt:
                endings = watch.take_endings()
                if not endings:
                    # by a person
                    raise
                source.give_up(endings)
                # what it had of the base may be half changed
                kept = None

    def _pull(self, source: StudySource, kept: object) -> None:
        if self.entry is None:
            return run_task_trials(source, self.task_function, self.hydra_context)
        entry = imported(self.entry, said="hydra.sweeper.worker is")
        entry(source) if kept is None else entry(source, kept)
        return None

    def _settle(self) -> Share:
        """Make the place where it runs its own.

        Raises:
            StoreError: It does not reach the study from there.
        """
        if not self.origin.is_this_process:
            enter(str(self.config.hydra.runtime.cwd))
        if not self.origin.is_this_machine:
            check_storage(self.spec)
        each = gpus_each(self.config) if self.entry is not None else 1
        return settle(self.origin, num_workers=self.num_workers, gpus_each=each, index=HydraConfig.get().job.num)

    def compose(self, asked: AskedTrial) -> DictConfig:
        """The config of one trial, its groups composed anew."""
        loader = self.hydra_context.config_loader
        if self.entry is not None and OVERRIDES not in asked.attrs:
            # an app's own task function may look at what Hydra says of its job; an entry for workers gets values only
            quick = with_values(self.config, asked.params, loader)
            if quick is not None:
                return quick
        branch = self.spec.space.branch_of(asked.params)
        fixed = self.fixed if branch is None else branch.fixed
        values = [*override_lines(asked.params, loader), *asked.attrs.get(OVERRIDES, ())]
        self.jobs = self.jobs or JobConfigs(loader, self.config)
        if OVERRIDES in asked.attrs or any(is_group(loader, key) for key in asked.params):
            composed = self.jobs.anew([*fixed, *values])
        else:
            composed = self.jobs.with_values(fixed, values)
        if OVERRIDES in asked.attrs:
            self._check_own(composed)
        with open_dict(composed):
            composed.hydra.job.id = f"{self.spec.name}_{asked.number}"
            composed.hydra.job.num = asked.number
        if self.entry is not None:
            # what leads nowhere is a problem of this trial, told before it begins
            plain(composed)
        return composed

    def _check_own(self, composed: DictConfig) -> None:
        """A study may be somebody else's: what stands in it is imported only if the command names it too."""
        parsed = parse_trial(plain(composed))
        foreign = set(code_of(parsed.section)) - self.own_code if parsed.found is not None else set()
        if foreign:
            named = ", ".join(f"{one.key} = {one.name!r}" for one in sorted(foreign))
            raise ConfigError([f"the study at {self.spec.storage} names code that the command does not: {named}"])
