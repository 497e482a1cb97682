"""Whatever rows `predict` is given, it answers each of them or says which one it cannot and why: never a traceback."""

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers

from slimtune.export.bundle.bundle import TOKENIZER, RunnableModel
from slimtune.export.bundle.interface import GenerationSettings, Interface, PromptSettings
from slimtune.export.commands import predict
from slimtune.export.commands.terminal_text import one_line, shown_row
from slimtune.export.graph_names import Kind
from slimtune.export.runtime import row_predictor
from slimtune.export.runtime.given_rows import TextColumns, free_names
from slimtune.export.runtime.row_predictor import RowPredictor, row_predictor_of
from slimtune.training.data.tokenizing.long_pairs import FAR, near_ends
from slimtune.training.errors import DataError

# lone surrogates and control characters among them
TEXTS = st.text(st.characters(exclude_categories=())) | st.sampled_from(
    ["", " ", "\0", "\ud800", "good soup", "\u2028"]
)
CELLS = st.recursive(
    TEXTS | st.none() | st.booleans() | st.integers() | st.floats(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
TURNS = st.lists(st.dictionaries(st.sampled_from(["role", "content"]), CELLS | st.just("user"), max_size=2), max_size=3)
COLUMNS = [
    "text",
    "text_pair",
    "messages",
    "prediction",
    "probability",
    "model_prediction",
    "words",
    " text ",
    "text.0",
]
ROWS = st.lists(
    st.dictionaries(st.sampled_from(COLUMNS), CELLS | TURNS, max_size=4)
    | st.fixed_dictionaries({"text": TEXTS}, optional={"text_pair": TEXTS, "prediction": CELLS}),
    max_size=4,
)
FAST = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


class Graph:
    """In the place of a model: takes what one takes, after it was made tokens."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer

    def outputs(self, texts: list[Any]) -> np.ndarray:
        assert texts, "no batch of nothing"
        return np.ones((len(self._tokenizer.encode_batch(texts)), 2))

    def spans(self, texts: list[str]) -> list[tuple[()]]:
        self._tokenizer.encode_batch(texts)
        return [() for _ in texts]


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = Tokenizer(models.WordLevel({"<pad>": 0, "good": 1}, unk_token="<pad>"))  # no secret
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    folder = tmp_path_factory.mktemp("tokenizer")
    made.save(str(folder / TOKENIZER))
    return folder


KINDS = [(Kind.numbers, False), (Kind.numbers, True), (Kind.embedding, False), (Kind.tags, False), (Kind.causal, False)]


@pytest.fixture(params=KINDS, ids=lambda param: f"{param[0].value}{' of pairs' * param[1]}")
def predictor(request: pytest.FixtureRequest, tokenizer: Path, monkeypatch: pytest.MonkeyPatch) -> RowPredictor:
    kind, takes_pairs = request.param
    graph = Graph(Tokenizer.from_file(str(tokenizer / TOKENIZER)))
    for name in ("encoder_of", "Tagger"):
        monkeypatch.setattr(row_predictor, name, lambda *_: graph)
    monkeypatch.setattr(row_predictor, "_by_graphs", lambda *_: lambda prompts: [[1] for _ in prompts])
    chat = "{% for m in messages %}{{ m.role }}: {{ m.content }}{% endfor %}"
    interface = Interface(
        kind=kind,
        labels=[],
        max_length=8,
        pad_id=0,
        takes_pairs=takes_pairs,
        generation=GenerationSettings(max_new_tokens=4, pad_id=0, end_ids=[0]),
        prompt=PromptSettings("text", None, chat, {}, 0, 8, is_causal=True),
    )
    return row_predictor_of(RunnableModel(tokenizer, interface), TextColumns())


def _told(source: Path, out: Path, predictor: RowPredictor) -> str | None:
    """What is refused."""
    try:
        predict._write_file(str(source), str(out), predictor, 2)
    except DataError as error:
        return str(error)
    return None


@given(rows=ROWS)
@FAST
def test_rows_are_answered_or_one_is_named(
    rows: list[dict[str, Any]], predictor: RowPredictor, capsys: pytest.CaptureFixture[str]
) -> None:
    """All columns of the rows come out as they went in, and a line is a row."""
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder, "in.jsonl"), Path(folder, "out.jsonl")
        source.write_text("".join(json.dumps(row) + "\n" for row in rows))
        told = _told(source, out, predictor)
        capsys.readouterr()
        if told is not None:
            # what is no rows at all is told of the file
            assert str(source) in told
            assert not out.exists()
            return
        written = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    # JSON has neither NaN nor infinite numbers
    read = [json.loads(json.dumps(row), parse_constant=lambda _: None) for row in rows]
    assert [json.dumps({key: one[key] for key in row}) for one, row in zip(written, read, strict=True)] == [
        json.dumps(row) for row in read
    ]


@given(text=TEXTS)
@FAST
def test_a_text_on_a_terminal_is_a_line_in_any_encoding(text: str) -> None:
    assert len(one_line(text).splitlines()) <= 1
    one_line(text).encode()
    assert json.loads(shown_row({"text": text})) == {"text": text}
    assert len(shown_row({"text": text}).splitlines()) == 1


@given(ours=st.lists(st.text(max_size=3), unique=True, max_size=4), taken=st.sets(st.text(max_size=3)))
@FAST
def test_names_are_free_and_each_its_own(ours: list[str], taken: set[str]) -> None:
    names = free_names(ours, taken)
    assert list(names) == ours
    assert len(set(names.values())) == len(ours)
    assert not taken & set(names.values())


@pytest.fixture(scope="module")
def cut(tokenizer: Path) -> Callable[..., list[int]]:
    def ids(pair: tuple[str, str], *, left: bool, clipped: bool) -> list[int]:
        made = Tokenizer.from_file(str(tokenizer / TOKENIZER))
        given = near_ends(pair, made, max_length=3, left=left) if clipped else pair
        made.enable_truncation(3, direction="left" if left else "right")
        found: list[int] = made.encode(*given).ids
        return found

    return ids


@given(sizes=st.tuples(*[st.integers(0, 40 * FAR)] * 2), left=st.booleans(), seed=st.integers(0, 99))
@settings(FAST, max_examples=30)
def test_a_pair_of_long_texts_is_cut_as_it_would_be_whole(
    sizes: tuple[int, int], left: bool, seed: int, cut: Callable[..., list[int]]
) -> None:
    """Which of the two keeps the odd token depends on which is longer."""
    words = np.random.default_rng(seed).choice(["good", "bad"], size=max(sizes) + 1)
    first, second = (" ".join(words[:size]) for size in sizes)
    assert cut((first, second), left=left, clipped=True) == cut((first, second), left=left, clipped=False)
