"""A small set of rows, a tiny model and a config for every task."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from slimtune.training.config.trial import TrialConfig, parse_trial

SENTENCES = [
    ("Mara", "Oslo"),
    ("Ben", "Lima"),
    ("Iris", "Cairo"),
    ("Otto", "Quito"),
    ("Lea", "Turin"),
    ("Nils", "Accra"),
]
VERBS = ["left", "saw", "likes", "missed", "found", "reached", "painted", "crossed"]


class Case(NamedTuple):
    """A task with rows and overrides."""

    name: str
    rows: Sequence[dict[str, Any]]
    overrides: tuple[str, ...]


def spans(text: str, words: dict[str, str]) -> list[dict[str, Any]]:
    return [
        {"start": text.index(word), "end": text.index(word) + len(word), "label": label}
        for word, label in words.items()
    ]


def make_sentences() -> list[tuple[str, str, str]]:
    return [(who, verb, where) for who, where in SENTENCES for verb in VERBS]


LLAMA = (
    "model=tiny_llama",
    "model.scratch.vocab_size=320",
    "model.scratch.hidden_size=32",
    "model.scratch.intermediate_size=64",
    "model.scratch.num_hidden_layers=1",
    "model.scratch.num_attention_heads=4",
    "model.scratch.num_key_value_heads=2",
)
T5 = (
    "model=tiny_t5",
    "model.scratch.vocab_size=320",
    "model.scratch.d_model=32",
    "model.scratch.d_kv=8",
    "model.scratch.d_ff=64",
    "model.scratch.num_layers=1",
    "model.scratch.num_heads=4",
)
ANSWERS = [
    {"input": f"{who} {verb} {where}", "target": f"{where} {verb}", "text": f"{who} {verb} {where}."}
    for who, verb, where in make_sentences()
]
CASES = [
    Case(
        "classification",
        [{"text": f"{who} {verb} {where}", "label": where} for who, verb, where in make_sentences()],
        (),
    ),
    Case(
        "multi_label",
        [{"text": f"{who} {verb} {where}", "label": [where, verb[0]]} for who, verb, where in make_sentences()],
        ("task=multi_label",),
    ),
    Case(
        "pairs",
        [
            {"text": f"{who} {verb} it", "other": f"it was {where}", "label": "yes" if verb[0] < "m" else "no"}
            for who, verb, where in make_sentences()
        ],
        ("data.text_pair_column=other",),
    ),
    Case("generation", ANSWERS, ("task=generation", "task.max_new_tokens=8", *LLAMA, "method=full")),
    Case("generation, encoder-decoder", ANSWERS, ("task=generation", "task.max_new_tokens=8", *T5, "method=full")),
    Case("generation, LoRA", ANSWERS, ("task=generation", "task.max_new_tokens=8", "model.name_or_path=LLAMA")),
    Case(
        "generation, LoRA, encoder-decoder",
        ANSWERS,
        ("task=generation", "task.max_new_tokens=8", "model.name_or_path=T5"),
    ),
    Case("language_modelling", ANSWERS, ("task=language_modelling", *LLAMA, "method=full")),
    Case(
        "extraction",
        [
            {"text": (text := f"{who} {verb} {where} today."), "label": spans(text, {who: "person", where: "place"})}
            for who, verb, where in make_sentences()
        ],
        ("task=extraction",),
    ),
    Case(
        "a task of one's own",
        [{"text": f"{who} {verb} {where}", "label": len(verb) - 5} for who, verb, where in make_sentences()],
        (
            "task=custom",
            "task.name=examples.custom.regression.Regression",
            "++task.options.scale=2",
            "task.metrics=[examples.custom.regression.mean_absolute_error]",
            "task.metric=mean_absolute_error",
            "task.direction=minimize",
        ),
    ),
    Case(
        "similarity",
        [
            {"text": f"{who} {verb} {where}", "other": f"{where} {verb} {who}", "label": index % 2}
            for index, (who, verb, where) in enumerate(make_sentences())
        ],
        ("task=similarity", "data.text_pair_column=other", "method.modules_to_save=[]"),
    ),
]


@pytest.fixture(scope="session")
def bases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Checkpoints of generative models, by the words that cases name them with."""
    from slimtune.training.models.from_config import make_from_config

    texts = [f"{row['text']} {row['target']}" for row in ANSWERS]
    sizes = {"num_hidden_layers": 1, "num_attention_heads": 4, "num_key_value_heads": 2, "hidden_size": 32}
    llama = {"model_type": "llama", "vocab_size": 320, "intermediate_size": 64, **sizes}
    # dropout as T5 has it: LoRA must silence it
    t5 = {"model_type": "t5", "vocab_size": 320, "d_model": 32, "d_kv": 8, "d_ff": 64, "num_layers": 1, "num_heads": 4}
    folders = {}
    # with other seeds T5 writes padding alone
    for name, settings, seed in (("LLAMA", llama, 0), ("T5", t5, 4)):
        folders[name] = tmp_path_factory.mktemp("bases") / name
        make_from_config(settings, texts, folders[name], seed=seed)
    return folders


@pytest.fixture(params=CASES, ids=lambda case: case.name)
def case(request: pytest.FixtureRequest) -> Case:
    given: Case = request.param
    return given


@pytest.fixture
def values_of(tmp_path: Path, tiny_model: Path, bases: dict[str, Path]) -> Callable[..., dict[str, Any]]:
    """The composed config of a case, as plain values."""
    from tests.composed import plain_config

    def make(case: Case, *more: str) -> dict[str, Any]:
        path = tmp_path / "rows.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in case.rows), encoding="utf-8")
        model = (
            () if any(word.startswith("model") for word in case.overrides) else (f"model.name_or_path={tiny_model}",)
        )
        given = [
            *model,
            *(word.replace("LLAMA", str(bases["LLAMA"])).replace("T5", str(bases["T5"])) for word in case.overrides),
            f"data.train_file={path}",
            f"data.cache_dir={tmp_path / 'cache'}",
            "data.drop_leaks=false",
            "data.max_length=32",
            "fit.learning_rate=1e-2",
            "fit.batch_size=8",
            "fit.epochs=2",
            "fit.threads=1",
            "fit.slots=1",
            "fit.precision=fp32",
            "search.name=mine",
            "tracking=none",
            "export=none",
            *more,
        ]
        return plain_config(given)

    return make


@pytest.fixture
def config_for(values_of: Callable[..., dict[str, Any]]) -> Callable[..., TrialConfig]:
    def make(case: Case, *more: str) -> TrialConfig:
        parsed = parse_trial(values_of(case, *more))
        assert parsed.problems == []
        config: TrialConfig = parsed.section
        return config

    return make
