"""One contract for every pruner: it prunes trials that run side by side as well as one after the other."""

import random
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from hydra import compose, initialize_config_module

from slimtune.sweeper.config_values import plain
from slimtune.sweeper.goals.goals import goals_of
from slimtune.sweeper.pruner_config import PRUNERS, PrunerConfig, parse_pruner
from slimtune.sweeper.search_config import Rungs
from slimtune.sweeper.space.dimension import IntRange
from slimtune.sweeper.study import Lease, Study, TrialState
from slimtune.sweeper.study.wilcoxon_pruner import PARTS_PREFIX, Pairs, is_worse
from tests.sweeper.study.test_samplers import sampler_of, study_of

STOPPING = sorted(set(PRUNERS) - {"none"})
STEPS = (10, 20, 30, 40, 50, 60, 70, 80)
Curve = Mapping[int, float]


def pruner_of(name: str, *overrides: str) -> PrunerConfig:
    """As its file has it, with those inside."""
    with initialize_config_module("slimtune.conf", version_base="1.3"):
        values = plain(compose("config", overrides=[f"search/pruner={name}", "data.train_file=x.jsonl", *overrides]))
    return parse_pruner(values["search"]["pruner"], "search.pruner").section  # type: ignore[no-any-return]


def study_with(
    pruner: PrunerConfig, *, n_trials: int, every: int = 10, longest: int = 80, maximize: bool = True
) -> Study:
    return study_of(
        sampler_of("random"),
        {"x": IntRange(0, 1000)},
        n_trials=n_trials,
        pruner=pruner,
        rungs=Rungs(eval_every=every, longest=longest),
        goals=goals_of([maximize]),
    )


def parts_of(value: float, seed: int) -> list[float]:
    """The score on twenty parts of the rows, as evaluations have them."""
    return [value + 0.01 * noise for noise in np.random.default_rng(seed).normal(size=20)]


def advance(study: Study, number: int, step: int, value: float) -> bool:
    """Report an evaluation; whether the trial goes on."""
    study.set_trial_attr(number, f"{PARTS_PREFIX}{step}", parts_of(value, number))
    if study.report(number, step, objective=value, progress=0.5).stop:
        study.prune(number)
        return False
    return True


def staggered(study: Study, curves: Sequence[Curve]) -> list[bool]:
    """One trial after the other; which of them ran to their ends."""
    kept = []
    with Lease(study) as lease:
        for curve in curves:
            asked = study.ask(lease.worker)
            assert asked is not None
            kept.append(all(advance(study, asked.number, step, value) for step, value in curve.items()))
            if kept[-1]:
                study.complete(asked.number, max(curve.values()))
    return kept


def in_lockstep(study: Study, curves: Sequence[Curve]) -> list[bool]:
    """All at once, one evaluation after the other."""
    with Lease(study) as lease:
        running = {index: asked.number for index in range(len(curves)) if (asked := study.ask(lease.worker))}
        for step in curves[0]:
            gone = [index for index, number in running.items() if not advance(study, number, step, curves[index][step])]
            running = {index: number for index, number in running.items() if index not in gone}
        for index, number in running.items():
            study.complete(number, max(curves[index].values()))
    return [index in running for index in range(len(curves))]


def rising(height: float) -> Curve:
    """A curve that ends in a plateau."""
    return {step: round(height * (1 - 0.3 ** (step / 10)), 2) for step in STEPS}


# good ones among bad ones
HEIGHTS = (0.8, 0.5, 0.9, 0.4, 0.7, 0.3, 0.6, 0.85, 0.2, 0.45, 0.75, 0.35)


@pytest.mark.parametrize("run", [staggered, in_lockstep])
@pytest.mark.parametrize("name", STOPPING)
def test_it_prunes(name: str, run: Any) -> None:
    """Some trials, none of which is the best one; Optuna's median prunes nothing that runs side by side."""
    kept = run(study_with(pruner_of(name), n_trials=12), [rising(height) for height in HEIGHTS])
    assert not all(kept)
    assert kept[HEIGHTS.index(max(HEIGHTS))]


@pytest.mark.parametrize("name", STOPPING)
def test_what_is_minimized_is_pruned_from_above(name: str) -> None:
    curves = [{step: 1 - value for step, value in rising(height).items()} for height in HEIGHTS]
    study = study_with(pruner_of(name), n_trials=12, maximize=False)
    kept = staggered(study, curves)
    assert not all(kept)
    assert kept[HEIGHTS.index(max(HEIGHTS))]


def test_none_lets_every_trial_run() -> None:
    curves = [rising(height) for height in HEIGHTS]
    assert all(staggered(study_with(pruner_of("none"), n_trials=12), curves))


def test_a_percentile_keeps_as_many() -> None:
    """The best quarter goes on where half of them would with the median."""
    curves = [rising(height) for height in sorted(HEIGHTS)]
    few, half = (
        study_with(pruner_of("percentile", f"search.pruner.keep_percent={percent}"), n_trials=12)
        for percent in (25, 50)
    )
    order = random.Random(0).sample(curves, 12)
    assert sum(staggered(few, order)) < sum(staggered(half, order))


def test_rungs_are_examples_whatever_the_batch_size() -> None:
    """Trials are compared at the same number of examples; a step that only one has reached compares with nobody."""
    study = study_with(pruner_of("median", "search.pruner.n_startup_trials=1"), n_trials=2)
    kept = staggered(study, [{8: 0.5, 16: 0.9}, {10: 0.1, 16: 0.2, 20: 0.9}])
    assert kept == [True, False]
    assert study.trials()[1].intermediate == {10: 0.1, 16: 0.2}


def test_what_still_gets_better_is_not_pruned_by_a_patient_pruner() -> None:
    """A late starter goes on, a plateau as low does not; the pruner inside would have stopped both."""
    leader = {step: 0.9 for step in STEPS}
    late = {step: 0.1 + 0.01 * index for index, step in enumerate(STEPS)}
    flat = {step: 0.1 for step in STEPS}
    alone = pruner_of("median", "search.pruner.n_startup_trials=1")
    assert staggered(study_with(alone, n_trials=3), [leader, late, flat]) == [True, False, False]
    patient = pruner_of("patient", "search.pruner.pruner.n_startup_trials=1")
    study = study_with(patient, n_trials=3)
    assert staggered(study, [leader, late, flat]) == [True, True, False]
    # the first evaluation, and two that are no better
    assert max(study.trials()[2].intermediate) == 30


def test_a_rank_test_prunes_what_is_worse_nearly_everywhere() -> None:
    """A small gap on every part stops a trial; the same mean by a few parts does not."""
    rival = [0.8] * 20
    everywhere = [0.79 - 0.001 * index for index in range(20)]
    somewhere = [0.805] * 18 + [0.6] * 2
    assert is_worse(Pairs(everywhere, rival), sign=1.0, p_threshold=0.05)
    assert not is_worse(Pairs(somewhere, rival), sign=1.0, p_threshold=0.05)
    assert not is_worse(Pairs(rival, rival), sign=1.0, p_threshold=0.05)
    assert not is_worse(Pairs([float("nan")] * 20, rival), sign=1.0, p_threshold=0.05)


def test_an_app_of_its_own_reports_folds_to_a_rank_test() -> None:
    """Values of the same folds are compared, and not the curve that they would be."""
    study = study_with(pruner_of("wilcoxon"), n_trials=3)
    folds = [0.9, 0.2, 0.8, 0.3, 0.7, 0.6, 0.5, 0.4]
    with Lease(study) as lease:
        ends = []
        for shift in (0.0, -0.05, 0.05):
            asked = study.ask(lease.worker)
            assert asked is not None
            values = [value + shift for value in folds]
            said = [study.report(asked.number, at, value, 0.0).stop for at, value in enumerate(values, start=1)]
            ends.append(any(said))
            study.complete(asked.number, sum(values) / len(values))
    assert ends == [False, True, False]


@pytest.mark.parametrize(("rule", "kept"), [("any", [True, False, False]), ("all", [True, True, False])])
def test_a_combination_stops_what_one_or_all_of_its_pruners_would(rule: str, kept: list[bool]) -> None:
    """The second trial is below the median but still gets better, the third is neither."""
    median = {"name": "median", "n_startup_trials": 1, "n_warmup_examples": 0}
    patient = {"name": "patient", "evaluations": 2, "min_delta": 0, "pruner": median}
    values = {"name": "combination", "rule": rule, "pruners": {"a": median, "b": patient}}
    pruner = parse_pruner(values, "search.pruner").section
    late = {step: 0.1 + 0.01 * index for index, step in enumerate(STEPS)}
    curves = [dict.fromkeys(STEPS, 0.9), late, dict.fromkeys(STEPS, 0.1)]
    assert staggered(study_with(pruner, n_trials=3), curves) == kept


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"name": "patient", "evaluations": 2, "min_delta": 0, "pruner": {"name": "hyperband"}}, "is 'hyperband'"),
        ({"name": "patient", "evaluations": 2, "min_delta": 0, "pruner": None}, "search.pruner.pruner is None"),
        ({"name": "combination", "rule": "any", "pruners": {}}, "name at least one"),
        ({"name": "combination", "rule": "most", "pruners": {"a": {"name": "median"}}}, "use any or all"),
        ({"name": "percentile", "keep_percent": 100, "n_startup_trials": 1, "n_warmup_examples": 0}, "0 and 100"),
        ({"name": "wilcoxon", "p_threshold": 2, "n_startup_steps": 1}, "between 0 and 1"),
        ({"name": "pationt"}, "did you mean 'patient'?"),
        (
            {"name": "combination", "rule": "all", "pruners": {"a": {"name": "successive_halving", "min_examples": 1,
             "reduction_factor": 1}}},
            "search.pruner.pruners.a.reduction_factor is 1",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_pruner_is_told(values: Mapping[str, Any], told: str) -> None:
    (problem,) = parse_pruner(values, "search.pruner").problems
    assert told in problem


def test_a_replaced_trial_does_not_count_twice() -> None:
    """A lost trial has left its values in the study, and runs again."""
    study = study_with(pruner_of("median", "search.pruner.n_startup_trials=2"), n_trials=2)
    with Lease(study) as lease:
        first, second = study.ask(lease.worker), study.ask(lease.worker)
        assert first is not None
        assert second is not None
        study.report(first.number, 10, objective=0.9, progress=0.1)
        study.lose(first.number)
        again = study.ask(lease.worker)
        assert again is not None
        study.report(again.number, 10, objective=0.9, progress=0.1)
        assert not study.report(second.number, 10, objective=0.1, progress=0.1).stop
    assert TrialState.failed in {trial.state for trial in study.trials()}


def test_who_comes_late_to_a_rung_is_compared_with_all_that_were_there() -> None:
    """Of trials in one pass those of large batches are rungs ahead: at as many examples a worse one is stopped all the
    same, and a better one goes on; only the first at a rung has nobody beside it.
    """
    study = study_with(pruner_of("successive_halving"), n_trials=3)
    with Lease(study) as lease:
        large, worse, better = (one.number for _ in range(3) if (one := study.ask(lease.worker)))
        assert all(advance(study, large, step, 0.5 + step / 1000) for step in (10, 20, 30, 40))
        assert not advance(study, worse, 10, 0.4)
        assert advance(study, better, 10, 0.6)
