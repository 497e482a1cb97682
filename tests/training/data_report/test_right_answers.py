"""The best that a model's answers can score on some rows, and the note where that is less than a metric's most."""

import json
from collections.abc import Callable
from itertools import permutations
from pathlib import Path

import pytest

from slimtune.training.config.trial import TrialConfig, parse_trial
from slimtune.training.data.examples import Example
from slimtune.training.data.spans import Span
from slimtune.training.data_report.build import data_report_of
from slimtune.training.data_report.reach_notes import reach_notes
from slimtune.training.data_report.right_answers import best_cosines, best_score
from slimtune.training.metrics import measures_of
from slimtune.training.metrics.spearman import spearman
from slimtune.training.tasks import task_of
from slimtune.training.workbench.prepared_data import prepare_data
from tests.composed import plain_config

TWO = [Example(f"text {number}", str(int(number < 2)), "other") for number in range(5)]


ConfigFor = Callable[..., TrialConfig]


@pytest.fixture
def config_for(tmp_path: Path, tiny_model: Path) -> ConfigFor:
    """The config of a task."""

    def make(task: str, *more: str) -> TrialConfig:
        places = (f"model.name_or_path={tiny_model}", f"data.cache_dir={tmp_path / 'cache'}", "search.name=mine")
        pair = ("data.text_pair_column=pair",) if task == "similarity" else ()
        parsed = parse_trial(plain_config([f"task={task}", *places, *pair, "data.train_file=rows.jsonl", *more]))
        assert parsed.problems == []
        config: TrialConfig = parsed.section
        return config

    return make


def best(config: TrialConfig, examples: list[Example]) -> float | None:
    """Of the task's metric, by the task's own measures."""
    return best_score(config, task_of(config, examples).measures, examples)


@pytest.mark.parametrize("labels", [(1, 1, 0, 0, 0), (3, 1, 2, 2, 0), (1, 0, 0.5, 0.25, 0.75)])
def test_no_ranking_of_different_cosines_has_more_than_the_best_one(labels: tuple[float, ...]) -> None:
    """By brute force; labels without ties can be ranked as they are."""
    pairs = [Example(f"text {number}", str(label), "other") for number, label in enumerate(labels)]
    found = spearman(best_cosines(pairs), labels)["spearman"]
    most = max(spearman(order, labels)["spearman"] for order in permutations(range(len(labels))))
    assert found == pytest.approx(most)
    assert (found == pytest.approx(1)) is (len({*labels}) == len(labels))


def test_pairs_that_any_model_has_one_cosine_of_are_tied() -> None:
    """The same two texts either way round, and one text twice, which has the most, whatever its label is."""
    pairs = [Example("a", "1", "b"), Example("b", "0", "a"), Example("c", "0", "c"), Example("d", "1", "d")]
    cosines = best_cosines([*pairs, Example("e", "1", "f")])
    assert cosines[0] == cosines[1] < cosines[4] < cosines[2] == cosines[3]


@pytest.mark.parametrize(("metric", "most"), [("spearman", 0.866), ("average_precision", 1), ("loss", None)])
def test_two_labels_of_pairs_leave_a_correlation_less_than_its_most(
    metric: str, most: float | None, config_for: ConfigFor
) -> None:
    config = config_for("similarity", f"task.metric={metric}")
    assert best(config, TWO) == (most if most is None else pytest.approx(most, abs=1e-3))


def test_so_does_a_row_without_labels_and_a_span_within_a_word(config_for: ConfigFor) -> None:
    several = [Example("a", labels=("x",)), Example("b", labels=("x", "y")), Example("c")]
    config = config_for("multi_label", "task.metric=f1_samples")
    assert best(config, several) == pytest.approx(2 / 3)
    assert best(config_for("multi_label", "task.metric=f1_micro"), several) == 1
    spans = [Example("Mara left", spans=(Span(0, 4, "who"),)), Example("Marathon", spans=(Span(0, 4, "who"),))]
    assert best(config_for("extraction", "task.metric=recall"), spans) == 0.5
    assert best(config_for("extraction", "task.metric=f1"), spans[:1]) == 1


def test_what_a_wrong_answer_may_have_more_of_has_no_such_bound(config_for: ConfigFor) -> None:
    """The right answer of two words has a BLEU of 0; of ROUGE nothing has more than it, but for signs alone."""
    texts = [Example("ask", "two words"), Example("ask", "!?")]
    config = config_for("generation", "task.metrics=[bleu,rouge]", "task.metric=bleu")
    assert best_score(config, measures_of(["bleu"]), texts) is None
    config = config_for("generation", "task.metrics=[bleu,rouge]", "task.metric=rouge1")
    assert best_score(config, measures_of(["rouge"]), texts) == pytest.approx(0.5)


def test_the_note_names_the_metric_to_set(config_for: ConfigFor) -> None:
    task = config_for("similarity").task
    (note,) = reach_notes(task, 0.836, TWO)
    assert note.startswith("warning: spearman of a model is 0.836 at most on these validation rows: they have two lab")
    assert "set task.metric=average_precision, whose" in note
    # which takes the labels 1 and 0 alone
    graded = [one._replace(label=str(3 * int(one.label) + 2)) for one in TWO]
    assert "task.metric=average_precision task.alike_label=5, whose" in reach_notes(task, 0.836, graded)[0]
    assert reach_notes(task, 0.99, [*TWO, Example("a", "0.5", "b")]) == []
    assert reach_notes(task, None, TWO) == reach_notes(task, 1.0, TWO) == []
    several = config_for("multi_label", "task.metric=f1_samples").task
    assert "(1 of 2) add 0 to it" in reach_notes(several, 0.5, [Example("a"), Example("b", labels=("x",))])[0]


def test_the_report_says_that_no_model_beats_a_baseline_at_the_bound(config_for: ConfigFor, tmp_path: Path) -> None:
    """Pairs without a common word are tied by a baseline, and by no model; by average precision there is no note."""
    pairs = [(f"red{n} house{n}", f"red{n} tower{n}", 1) for n in range(8)]
    pairs += [(f"blue{n} river{n}", f"green{n} field{n}", 0) for n in range(8)]
    rows = [{"text": text, "pair": pair, "label": label} for text, pair, label in pairs]
    path = tmp_path / "pairs.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    held_out = tmp_path / "held_out.jsonl"
    held_out.write_text(path.read_text().replace("house", "garden").replace("river", "lake"))
    files = (f"data.train_file={path}", f"data.validation_file={held_out}", "data.test_share=0")
    report = data_report_of(prepare_data(config_for("similarity", *files)))
    assert any("no model can beat this" in note for note in report.notes)
    assert report.best_score is not None
    assert report.best_score == pytest.approx(0.866, abs=2e-3)
    assert sum("set task.metric=average_precision" in note for note in report.notes) == 1
    config = config_for("similarity", *files, "task.metric=average_precision")
    report = data_report_of(prepare_data(config))
    assert report.best_score == 1
    assert not any("at most on these validation rows" in note for note in report.notes)
