"""The file that `slimtune init` writes is one that every command takes."""

from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_module

from slimtune.sweeper.checks import problems_of
from slimtune.sweeper.cli import main
from slimtune.sweeper.config_file import keys_set_in_file, with_config_file
from slimtune.sweeper.config_values import plain
from slimtune.sweeper.starting import questions
from slimtune.training.config.model import LEAST_RATE
from slimtune.training.config.trial import parse_trial
from slimtune.training.data.label_cells import label_of
from slimtune.training.tasks.similarity import alike_name
from slimtune.training.workbench.drawn_weights import rate_note
from tests.conftest import write_jsonl
from tests.sweeper.starting.test_guess import CHAT, OTHERS, REPEATED, TEXTS, cycled, rows_of


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, config_store_as_before: None) -> None:
    monkeypatch.chdir(tmp_path)


def written(*arguments: str) -> Any:
    """What the file that is written composes to, without a problem."""
    assert main(["init", *arguments, "--output", "mine.yaml"]) == 0
    with initialize_config_module("slimtune.conf", version_base="1.3"):
        config = compose("config", with_config_file(["--config", "mine.yaml"]))
    assert problems_of(plain(config)) == []
    return config


@pytest.mark.parametrize(
    ("columns", "more", "task", "values"),
    [
        (
            {"Ticket text": TEXTS, "team: no": cycled("a", "b")},
            (),
            "classification",
            {"text_column": "Ticket text", "label_column": "team: no", "max_length": 128},
        ),
        (
            {"question": TEXTS, "answer": OTHERS},
            (),
            "generation",
            {"text_column": "question", "target_column": "answer", "max_length": 512},
        ),
        (
            {"instruction": TEXTS, "input": OTHERS, "output": TEXTS},
            (),
            "generation",
            {"text_template": "{instruction}\n{input}\n{output}", "target_column": "output"},
        ),
        ({"a": TEXTS, "b": OTHERS, "score": range(30)}, (), "similarity", {"text_pair_column": "b"}),
        ({"true": TEXTS, "null": cycled("a", "b")}, (), "classification", {"text_column": "true"}),
        ({"messages": [CHAT] * 30}, ("--model", "org/a-chat-model"), "generation", {}),
        ({"text": TEXTS}, (), "language_modelling", {"text_column": "text"}),
    ],
)
def test_what_was_seen_stands_in_it(
    columns: dict[str, Any], more: tuple[str, ...], task: str, values: dict[str, Any]
) -> None:
    """Odd names too."""
    write_jsonl(Path("rows.jsonl"), rows_of(**columns))
    config = written("--data", "rows.jsonl", *more)
    assert config.task.name == task
    assert {key: config.data[key] for key in values} == values
    assert (config.search.name, config.export.registered_model) == ("rows", "rows")


def test_flags_go_before_what_was_seen() -> None:
    write_jsonl(Path("rows.jsonl"), rows_of(text=TEXTS, title=OTHERS, label=cycled("a", "b"), other=cycled("c", "d")))
    flags = ("--text-column", "title", "--target-column", "other", "--trials", "5", "--name", "mine", "--model", "own")
    config = written("--data", "rows.jsonl", "--task", "classification", *flags)
    assert (config.data.text_column, config.data.label_column) == ("title", "other")
    assert (config.search.n_trials, config.search.name, config.model.name_or_path) == (5, "mine", "own")


PAIR = {"a": TEXTS, "b": OTHERS}


@pytest.mark.parametrize(
    ("labels", "more", "alike"),
    [
        ((0, 1), (), "1"),
        ((1.0, 0.0), (), "1"),
        ((-1, 1), (), "1"),
        ((True, False), (), "true"),
        (("duplicate", "different"), (), "duplicate"),
        (("Yes", "no"), (), "Yes"),
        ((0, 1), ("--alike-label", "0"), "0"),
        (("near", "far"), ("--alike-label", "near"), "near"),
        # scores are alike by themselves
        ((0.25, 0.75), (), None),
        ((0, 1, 2), (), None),
    ],
)
def test_of_two_labels_of_pairs_one_is_said_to_be_alike(
    labels: tuple[Any, ...], more: tuple[str, ...], alike: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is taken is told, and read by the task as the rows have it."""
    write_jsonl(Path("rows.jsonl"), rows_of(**PAIR, label=cycled(*labels)))
    config = written("--data", "rows.jsonl", "--task", "similarity", *more)
    task = parse_trial(plain(config)).section.task
    assert alike_name(task) == alike
    assert task.metric == ("spearman" if alike is None else "average_precision")
    assert (f"pairs with the label '{alike}' are taken for alike" in capsys.readouterr().out) is (alike is not None)
    names = {label_of(row, "label", "a row", "label_column") for row in rows_of(label=cycled(*labels))}
    assert alike is None or alike in names


@pytest.mark.parametrize(
    ("labels", "task", "other"),
    [
        ((0, 1), "similarity", "classification"),
        (("x", "y"), "classification", "similarity"),
        ((0.2, 0.9), "similarity", None),
        (("x", "y", "z"), "classification", None),
    ],
)
def test_what_pairs_are_taken_for_is_told_where_another_task_fits(
    labels: tuple[Any, ...], task: str, other: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the flag that takes the other one, and what both mean."""
    write_jsonl(Path("rows.jsonl"), rows_of(**PAIR, label=cycled(*labels)))
    assert written("--data", "rows.jsonl").task.name == task
    lines = capsys.readouterr().out.splitlines()
    more = f" (also possible: {other}; --task {other})" if other else ""
    assert f"task: {task}{more}" in lines
    assert (questions.OF_PAIRS in lines) is (other is not None)


CALLS = {"subject": OTHERS, "body": TEXTS, "team": cycled("a", "b", "c"), "channel": cycled("d", "e")}


@pytest.mark.parametrize(
    ("columns", "more", "told"),
    [
        (
            {name: CALLS[name] for name in ("body", "team", "channel")},
            (),
            [
                "task: classification (also possible: language_modelling; --task language_modelling)",
                "text: body",
                "label: team (also possible: channel; --label-column channel)",
                "columns that nothing is read from: 'channel'",
            ],
        ),
        (
            {**PAIR, "score": range(30), "tone": cycled("c", "d"), "note": TEXTS},
            (),
            [
                "task: similarity",
                "text: a (also possible: note; --text-column note)",
                "second text: b (also possible: note; --text-pair-column note)",
                "label: score (also possible: tone; --label-column tone)",
                "labels from 0 to 100 are read as 0 to 1 (task.score_range)",
                "columns that nothing is read from: 'tone', 'note'",
            ],
        ),
        (
            {"question": TEXTS, "answer": OTHERS, "my notes": TEXTS},
            (),
            [
                "task: generation (also possible: summarization, translation; --task summarization)",
                "prompt: question (also possible: my notes; --text-column 'my notes')",
                "answer: answer (also possible: my notes; --target-column 'my notes')",
                "columns that nothing is read from: 'my notes'",
            ],
        ),
        (
            {"instruction": TEXTS, "input": OTHERS, "output": TEXTS},
            (),
            [
                "task: generation (also possible: summarization, translation; --task summarization)",
                "prompt: instruction, input (data.text_template)",
                "answer: output",
            ],
        ),
        ({"text": TEXTS}, (), ["task: language_modelling", "text: text"]),
        (
            {"question": TEXTS, "answer": REPEATED},
            (),
            [
                "task: generation (also possible: classification; --task classification)",
                "prompt: question",
                "answer: answer",
            ],
        ),
        (
            {"question": TEXTS, "answer": cycled("yes", "no")},
            (),
            ["task: classification (also possible: generation; --task generation)", "text: question", "label: answer"],
        ),
        ({"messages": [CHAT] * 30}, ("--model", "own"), ["task: generation", "chats: messages"]),
        (
            {"messages": [CHAT] * 30, "source": cycled("a", "b")},
            ("--model", "own"),
            ["task: generation", "chats: messages", "columns that nothing is read from: 'source'"],
        ),
        # a path that is read begins in its column
        (
            {"row": [{"text": one} for one in TEXTS]},
            ("--task", "language_modelling", "--text-column", "row.text"),
            ["task: language_modelling", "text: row.text"],
        ),
        (
            {"text": TEXTS, "topics": cycled(["a"], ["a", "b"]), "others": cycled(["c"], ["d"])},
            (),
            [
                "task: multi_label (also possible: language_modelling; --task language_modelling)",
                "text: text",
                "label: topics (also possible: others; --label-column others)",
                "columns that nothing is read from: 'others'",
            ],
        ),
    ],
)
def test_columns_that_are_read_are_told_with_those_that_could_be(
    columns: dict[str, Any], more: tuple[str, ...], told: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    write_jsonl(Path("rows.jsonl"), rows_of(**columns))
    assert main(["init", "--data", "rows.jsonl", "--yes", *more]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1 + len(columns) : -2] == told


def test_flags_are_called_as_the_keys_are_that_the_file_writes() -> None:
    write_jsonl(Path("rows.jsonl"), rows_of(**CALLS))
    flags = ("--label-column", "channel", "--text-column", "subject", "--n-trials", "3", "--name-or-path", "own")
    config = written("--train-file", "rows.jsonl", "--task", "classification", *flags)
    assert (config.data.text_column, config.data.label_column) == ("subject", "channel")
    assert (config.search.n_trials, config.model.name_or_path) == (3, "own")


def test_a_file_that_is_named_without_its_flag_is_told_the_flag(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "rows.jsonl", "--yes"]) == 2
    said = capsys.readouterr().err
    assert said == "slimtune: slimtune init is given 'rows.jsonl' as well; rows are named by a flag: --data ROWS\n"


@pytest.mark.parametrize("model", ["tiny_llama", "tiny_t5"])
def test_a_model_that_is_drawn_anew_is_given_what_it_needs_to_learn(model: str) -> None:
    write_jsonl(Path("rows.jsonl"), rows_of(question=TEXTS, answer=OTHERS))
    config = written("--data", "rows.jsonl", "--model", model)
    assert (config.method.name, config.fit.epochs) == ("full", 20)
    searched = plain(config)["space"]["fit"]["learning_rate"]
    assert searched == {"type": "float", "low": LEAST_RATE, "high": 1e-2, "log": True}
    assert searched["low"] < config.fit.learning_rate < searched["high"]
    trial = parse_trial(plain(config)).section
    assert rate_note(trial, 4_000_000) is None
    # a value alone would not be searched
    assert "fit.learning_rate" not in keys_set_in_file(with_config_file(["--config", "mine.yaml"]))
    assert "fit.epochs" in keys_set_in_file(with_config_file(["--config", "mine.yaml"]))


@pytest.mark.parametrize(
    ("columns", "model", "patience", "metric"),
    [
        ({"question": TEXTS, "answer": OTHERS}, "tiny_llama", None, "chrf"),
        ({"article": TEXTS, "summary": OTHERS}, "tiny_t5", None, "rougeL"),
        ({"text": TEXTS, "label": cycled("a", "b")}, "tiny_llama", None, "accuracy"),
        ({"text": TEXTS}, "tiny_llama", 3, "perplexity"),
        ({"question": TEXTS, "answer": OTHERS}, "own", 3, "loss"),
    ],
)
def test_loss_neither_ends_nor_chooses_what_has_not_learned_to_answer(
    columns: dict[str, Any], model: str, patience: int | None, metric: str
) -> None:
    """Of weights that are drawn anew, on few rows."""
    write_jsonl(Path("rows.jsonl"), rows_of(**columns))
    config = written("--data", "rows.jsonl", "--model", model)
    assert (config.fit.patience, config.task.metric) == (patience, metric)


@pytest.mark.parametrize("model", ["minilm", "tiny_llama", "tiny_of_mine"])
def test_what_is_said_to_be_searched_is(model: str) -> None:
    """By the method that is written: a folder that is called as models that are drawn anew is none."""
    write_jsonl(Path("rows.jsonl"), rows_of(**CALLS))
    config = written("--data", "rows.jsonl", "--model", model)
    assert config.method.name == ("full" if model == "tiny_llama" else "lora")
    line = next(line for line in Path("mine.yaml").read_text().splitlines() if "# method " in line)
    told = line.partition(" searches ")[2].partition(" (")[0].replace(" and ", ", ").split(", ")
    assert told == [f"{section}.{key}" for section, keys in config.space.items() for key in keys]
    assert f"method {config.method.name} " in line


@pytest.mark.parametrize(
    ("n_trials", "is_few", "has_others"), [(1, True, False), (3, True, True), (5, True, True), (6, False, False)]
)
def test_the_sampler_of_few_trials_learns_from_them_when_more_follow(
    n_trials: int, is_few: bool, has_others: bool
) -> None:
    """All but the first are random, which the file says; `random` would stay so when the sweep is resumed."""
    write_jsonl(Path("rows.jsonl"), rows_of(text=TEXTS, label=cycled("a", "b")))
    config = written("--data", "rows.jsonl", "--trials", str(n_trials))
    assert config.search.sampler.name == "tpe"
    text = Path("mine.yaml").read_text()
    assert ("# the first trial is this config as it stands" in text) is is_few
    assert ("# those beyond 5 (slimtune resume --n-trials) learn" in text) is is_few
    assert ("the others are drawn at random" in text) is has_others


BOTH_UNKNOWN = (
    "these are not known: column of the prompt (--text-column); column of the answer (--target-column); "
    "the rows have the columns id, age"
)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "nobody can be asked here, and this is not known: rows"),
        (("--data", "nosuch.jsonl"), "no such file"),
        (("--data", "rows.jsonl", "--task", "classifcation"), "did you mean 'classification'"),
        (("--data", "rows.jsonl", "--text-column", "txt"), "did you mean 'text'"),
        (("--data", "rows.jsonl", "--task", "similarity"), "these are not known: column of the second text (--"),
        (("--data", "numbers.jsonl", "--task", "generation"), BOTH_UNKNOWN),
        (("--data", "pairs.jsonl", "--task", "similarity"), "this is not known: label of pairs that are alike: far or"),
        (("--data", "pairs.jsonl", "--task", "similarity", "--alike-label", "nera"), "did you mean 'near'"),
        (("--data", "pairs.jsonl", "--alike-label", "near"), "the task is classification; use --task similarity"),
        (("--data", "rows.jsonl", "--output", "no/mine.yaml"), "there is no folder"),
        (("--data", "rows.jsonl", "--output", "rows.jsonl"), "is there already"),
        (("--data", "chat.jsonl"), "this is not known: model"),
    ],
)
def test_what_cannot_be_known_is_told_and_nothing_is_written(
    arguments: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write_jsonl(Path("rows.jsonl"), rows_of(text=TEXTS, label=cycled("a", "b")))
    write_jsonl(Path("pairs.jsonl"), rows_of(**PAIR, label=cycled("near", "far")))
    write_jsonl(Path("numbers.jsonl"), rows_of(id=range(30), age=range(30)))
    write_jsonl(Path("chat.jsonl"), rows_of(messages=[CHAT] * 30))
    before = sorted(Path().iterdir())
    assert main(["init", "--yes", *arguments]) == 2
    assert told in capsys.readouterr().err
    assert sorted(Path().iterdir()) == before


def test_the_usual_models_are_options() -> None:
    assert {questions.MINILM, questions.TINY} <= set(questions.model_options())
