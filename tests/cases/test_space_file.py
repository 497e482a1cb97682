"""A search space in a file of its own, in the form that other tools have."""

from collections.abc import Callable
from pathlib import Path

import pytest

from slimtune.sweeper.sampler_config import RandomSearch
from slimtune.sweeper.space.dimension import Choice, FloatRange, IntRange
from slimtune.sweeper.space.space_file import in_full
from tests.cases.sweep_requests import RequestOf, refused, request_of

__all__ = ["request_of"]

FORM = """\
search_strategy:
  type: random
  num_trials: 20
search_space:
  learning_rate: {type: float, low: 1e-6, high: 1e-3, log: true}
  lora_r: {type: int, low: 8, high: 64}
  batch_size: {type: choice, values: [8, 16, 32]}
"""
SpaceOf = Callable[[str], list[str]]


@pytest.fixture
def space_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SpaceOf:
    """Overrides that name a file with this text."""
    monkeypatch.chdir(tmp_path)

    def write(text: str) -> list[str]:
        Path("hyperparameter-search.yaml").write_text(text, encoding="utf-8")
        return ["space=file", "space.path=hyperparameter-search.yaml"]

    return write


def test_s1_the_form_is_read_word_for_word(request_of: RequestOf, space_of: SpaceOf) -> None:
    request = request_of(*space_of(FORM))
    assert request.space.common == {
        "fit.learning_rate": FloatRange(1e-6, 1e-3, log=True),
        "method.r": IntRange(8, 64),
        "fit.batch_size": Choice((8, 16, 32)),
    }
    assert isinstance(request.search.sampler, RandomSearch)
    assert request.search.config.n_trials == request.num_trials() == 20
    # what is logged of the config is what was searched by
    assert request.values["search"]["sampler"] == {"name": "random"}
    assert request.values["search"]["n_trials"] == 20


def test_s1_any_key_can_be_a_dimension(request_of: RequestOf, space_of: SpaceOf) -> None:
    lines = [
        "search_space:",
        "  fit.schedule: {type: choice, values: [linear, cosine]}",
        "  weight_decay: {type: float, low: 0, high: 0.1}",
        "  lora_dropout: {type: float, low: 0.0, high: 0.3, step: 0.1}",
        "  data:",
        "    max_length: {type: choice, values: [32, 64]}",
        "  method.target_modules: {type: choice, values: [[query, value], [all-linear]]}",
    ]
    request = request_of(*space_of("\n".join(lines)))
    assert list(request.space.common) == [
        "fit.schedule",
        "fit.weight_decay",
        "method.dropout",
        "data.max_length",
        "method.target_modules",
    ]
    assert request.search.config.n_trials == 16, "without a strategy, the search is as configured"
    assert request.search.sampler == request_of().search.sampler


def test_s1_the_command_line_has_the_last_word(request_of: RequestOf, space_of: SpaceOf) -> None:
    file = space_of(FORM)
    request = request_of(
        *file, "search.n_trials=5", "search/sampler=tpe", "fit.learning_rate=1e-4", "fit.batch_size=4,8"
    )
    assert request.search.config.n_trials == 5
    assert request.search.sampler.name == "tpe"
    assert request.space.common == {"method.r": IntRange(8, 64), "fit.batch_size": Choice((4, 8))}


def test_s1_methods_are_searched_each_with_what_it_has(request_of: RequestOf, space_of: SpaceOf) -> None:
    text = FORM + "  method: {type: choice, values: [full, lora]}\n"
    request = request_of(*space_of(text))
    assert {branch.label: list(branch.space) for branch in request.space.branches} == {
        "method=full": [],
        "method=lora": ["method.r"],
    }
    assert set(request.space.common) == {"method", "fit.learning_rate", "fit.batch_size"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "which is empty; write search_space: into it"),
        ("- learning_rate\n", "has no keys; begin it with search_space:"),
        ("search_space: {}\n", "search_space has no key; name at least one"),
        (FORM + "epochs: 3\n", "epochs is not a key; known: search_space, search_strategy"),
        (FORM.replace("num_trials", "trials"), "search_strategy.trials is not a key; did you mean 'num_trials'?"),
        (FORM.replace("random", "rondom"), "search_strategy.type is 'rondom'; did you mean 'random'?"),
        (FORM.replace("20", "-1"), "search.n_trials is -1; use a number above 0"),
        (
            FORM.replace("low: 8", "low: 80"),
            "search_space.lora_r.low is 80, above high (64); swap them",
        ),
        (FORM.replace("float", "flot"), "search_space.learning_rate.type is 'flot'; use one of float, int, choice"),
        (FORM.replace("learning_rate", "learning_rat"), "search_space.learning_rat is not a key of the config"),
        (FORM.replace("lora_r", "lora_rank"), "search_space.lora_rank (method.rank) is not a key of the config"),
        (FORM.replace("lora_r", "seed"), "search_space.seed may be data.seed or fit.seed or model.seed; write one"),
        (FORM + "  fit.batch_size: {type: choice, values: [4]}\n", "batch_size are both fit.batch_size"),
        ("search_space: [learning_rate\n", "no YAML that can be read"),
        ("search_strategy: random\n" + FORM.partition("20\n")[2], "write {type: random, num_trials: 20}"),
    ],
)
def test_s1_what_is_wrong_in_a_file_is_told(request_of: RequestOf, space_of: SpaceOf, text: str, said: str) -> None:
    assert said in refused(request_of, *space_of(text))


def test_s1_a_file_that_is_not_there_is_told(request_of: RequestOf) -> None:
    assert "space.path is nosuch.yaml, which is not there" in refused(
        request_of, "space=file", "space.path=nosuch.yaml"
    )
    assert "space.path is missing; name the file" in refused(request_of, "space=file")


def test_s1_short_names_in_other_apps() -> None:
    """A name that is a key of the config is that key."""
    space = {"learning_rate": IntRange(1, 2), "+new": IntRange(1, 2), "batch_size": IntRange(1, 2)}
    known = ["learning_rate", "fit.learning_rate", "model.batch_size", "hydra.batch_size"]
    assert list(in_full(space, known).space) == ["learning_rate", "+new", "model.batch_size"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "learning_rate: [1e-5, 1e-3]\nlora_r: {min: 1, max: 8}\n",
            "learning_rate, lora_r at the top; write",
        ),
        (
            "method: bayes\nmetric: {name: accuracy}\nparameters: {lora_r: {values: [4, 8]}}\n",
            "rename parameters: to search_space:; write method: as search_strategy: {type: tpe, num_trials: 20}; leave "
            "out metric: (task.metric says what is made best)",
        ),
        ("search_strategy: bayes\nsearch_space: {lora_r: 3}\n", "search_strategy is 'bayes'; write {type: tpe, num_"),
        ("search_space:\n  lora_r: {min: 1, max: 8}\n", "without type; write {type: int, low: 1, high: 8}"),
        ("search_space:\n  lora_r: {type: float, low: 1, high: 8}\n", "write type: int, low: 1, high: 8"),
        ("# nothing\n", "which has no keys; begin it with search_space:"),
    ],
)
def test_a_file_in_the_form_of_another_tool(request_of: RequestOf, space_of: SpaceOf, text: str, said: str) -> None:
    assert said in refused(request_of, *space_of(text))


def test_a_folder_in_the_place_of_the_file(request_of: RequestOf, tmp_path: Path) -> None:
    assert "which is a folder; name a YAML file" in refused(request_of, "space=file", f"space.path={tmp_path}")
    assert "space.path is missing" in refused(request_of, "space=file", "space.path=")
