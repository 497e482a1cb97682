"""Rows that a function of the user's own changes: the same ones, however a trial is trained; and what is told of it."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from slimtune.training.config.trial import parse_trial
from slimtune.training.config.trust import code_of, recorded_trial
from slimtune.training.data.kept.source_digest import source_digest
from slimtune.training.engine.engine import GivenTrials
from slimtune.training.errors import ConfigError
from slimtune.training.trial import Completed
from slimtune.training.workbench.augmentation import Augmentation, check_augmentation
from slimtune.training.workbench.prepared_data import prepare_data
from slimtune.training.worker.run import run_trial, run_trials
from tests.conftest import FakeTrial, make_rows, write_jsonl
from tests.training.checkpoints.test_training_state import MortalTrial, killed, numbers

ConfigOf = Callable[..., dict[str, Any]]
HERE = "tests.training.workbench.test_augmentation"
DROPS = f"fit.augment={{_target_: {HERE}.Dropped, share: 0.4}}"
EXACT = ("fit.precision=fp32", "fit.epochs=2", "fit.eval_every=0.5", "fit.slots=1")


class Dropped:
    """Leaves a share of the words out."""

    def __init__(self, share: float) -> None:
        self._share = share

    def __call__(self, row: dict[str, Any], generator: np.random.Generator) -> dict[str, Any]:
        words = row["text"].split()
        kept = [word for word in words if generator.random() >= self._share]
        return {**row, "text": " ".join(kept or words)}


def as_it_is(row: dict[str, Any], generator: np.random.Generator) -> dict[str, Any]:
    return row


def shorter(row: dict[str, Any], generator: np.random.Generator) -> dict[str, Any]:
    row["words"].pop(0)
    row["more"]["seen"].append(len(row["words"]))
    return {**row, "text": " ".join(row["words"])}


def no_text(row: dict[str, Any], generator: np.random.Generator) -> dict[str, Any]:
    return {**row, "text": " "}


def no_row(row: dict[str, Any], generator: np.random.Generator) -> Any:
    return row["text"]


def of_a_column(row: dict[str, Any], generator: np.random.Generator) -> dict[str, Any]:
    return {**row, "text": row["post"]}


def other_label(row: dict[str, Any], generator: np.random.Generator) -> dict[str, Any]:
    return {**row, "label": "unheard of"}


def failing(row: dict[str, Any], generator: np.random.Generator) -> dict[str, Any]:
    raise ZeroDivisionError("nothing to divide")


def trained(values: dict[str, Any], folder: Path) -> dict[int, dict[str, float]]:
    trial = FakeTrial(values, folder)
    assert isinstance(run_trial(trial), Completed), trial.outcome
    return numbers(trial)


def test_changed_rows_are_learned_and_one_that_changes_nothing_changes_no_number(
    config_of: ConfigOf, tmp_path: Path
) -> None:
    plain = trained(config_of(*EXACT), tmp_path / "plain")
    same = trained(config_of(*EXACT, f"fit.augment={{_target_: {HERE}.as_it_is}}"), tmp_path / "same")
    changed = trained(config_of(*EXACT, DROPS), tmp_path / "changed")
    assert same == plain
    assert changed != plain
    assert trained(config_of(*EXACT, DROPS), tmp_path / "again") == changed
    assert trained(config_of(*EXACT, DROPS, "fit.seed=1"), tmp_path / "seed") != changed


def test_what_rows_become_depends_on_no_micro_batch(config_of: ConfigOf, tmp_path: Path) -> None:
    whole = trained(config_of(*EXACT, DROPS), tmp_path / "whole")
    parts = trained(config_of(*EXACT, DROPS, "fit.micro_batch_size=3"), tmp_path / "parts")
    for step, scores in whole.items():
        assert parts[step]["train/loss"] == pytest.approx(scores["train/loss"], rel=1e-4)


def test_lists_that_a_function_changes_in_place_are_copies(config_of: ConfigOf, tmp_path: Path) -> None:
    """The next step, another trial, and a trial that was resumed begin with the rows as they were read."""
    rows = [{**row, "words": row["text"].split(), "more": {"seen": []}} for row in make_rows(60)]
    file = write_jsonl(tmp_path / "nested.jsonl", rows)
    given = config_of(f"fit.augment={{_target_: {HERE}.shorter}}", f"data.train_file={file}")
    config = parse_trial(given).section
    data = prepare_data(config)
    split = data.encoded["train"]
    before = copy.deepcopy(list(split.examples))
    augmentation, rows_N = Augmentation(config, data.task, data.tokenizer), np.arange(8)
    first, again = (augmentation.changed(split, rows_N, num_steps=3) for _ in range(2))
    assert list(split.examples) == before
    assert [one.text for one in first.examples] == [one.text.partition(" ")[2] for one in before[:8]]
    assert list(again.examples) == list(first.examples)


def test_a_trial_that_was_resumed_has_the_same_rows(config_of: ConfigOf, tmp_path: Path) -> None:
    """To the last bit."""
    values = config_of(*EXACT, DROPS, "fit.save_minutes=0")
    unbroken = FakeTrial(values, tmp_path / "unbroken")
    run_trial(unbroken)
    folder = killed(values, tmp_path / "0")
    retry = MortalTrial(values, tmp_path / "1").after(folder)
    run_trial(retry)
    assert numbers(retry) == numbers(unbroken)


def test_trials_that_share_passes_have_the_rows_that_they_have_alone(config_of: ConfigOf, tmp_path: Path) -> None:
    given = [("fit.slots=2", DROPS, f"fit.seed={seed}", *EXACT[:3]) for seed in range(2)]
    packed = [FakeTrial(config_of(*more), tmp_path / f"packed{number}") for number, more in enumerate(given)]
    run_trials(GivenTrials(packed))
    for number, more in enumerate(given):
        alone = trained(config_of(*more, "fit.slots=1"), tmp_path / f"alone{number}")
        for step, scores in alone.items():
            assert packed[number].reports[step]["train/loss"] == pytest.approx(scores["train/loss"], rel=1e-3)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("no_text", "gives a row without text"),
        ("no_row", "let it give the row, a mapping of column to value"),
        ("other_label", "gives rows that cannot be learned"),
        ("failing", "ZeroDivisionError: nothing to divide"),
        ("of_a_column", "(KeyError: 'post': the row has text, label); repair it"),
        ("missing", "has no 'missing'"),
        ("HERE", "which is no function and no module"),
    ],
)
def test_a_function_that_gives_no_rows_is_refused_before_the_first_trial(
    config_of: ConfigOf, name: str, told: str
) -> None:
    data = prepare_data(parse_trial(config_of()).section)
    config = parse_trial(config_of(f"fit.augment={{_target_: {HERE}.{name}}}")).section
    with pytest.raises(ConfigError, match=r"fit\.augment\._target_ is") as caught:
        check_augmentation(config, data.task, data.tokenizer, data.encoded["train"])
    assert told in str(caught.value)


@pytest.mark.parametrize("value", ["words", "{share: 0.1}", "[a]"])
def test_a_value_that_names_no_function_is_told(config_of: ConfigOf, value: str) -> None:
    (problem,) = parse_trial(config_of(f"fit.augment={value}")).problems
    assert "use {_target_: package.module.function}, or null" in problem


def test_a_checkpoint_is_opened_without_the_function(config_of: ConfigOf, tmp_path: Path) -> None:
    """Whoever scores with it needs neither its module nor to trust it; a trial that is given runs it."""
    values = config_of(DROPS)
    assert [one.key for one in code_of(parse_trial(values).section)] == ["fit.augment._target_"]
    assert recorded_trial(values, tmp_path, trust=False).fit.augment is None


def test_rows_are_kept_as_those_of_other_trials_are(config_of: ConfigOf) -> None:
    """The function changes rows that were read, and reads none."""
    config = parse_trial(config_of(DROPS)).section
    assert source_digest(config) == source_digest(parse_trial(config_of()).section)
