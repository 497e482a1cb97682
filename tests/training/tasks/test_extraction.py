"""Spans: windows of long rows, and entity scores over whole rows."""

from collections.abc import Callable

import pytest

from slimtune.training.config.trial import TrialConfig
from slimtune.training.data.batching import IGNORED
from slimtune.training.data.spans import Span, spans_of_words
from slimtune.training.data.tokenizing.windows import EXAMPLE
from slimtune.training.data_report.build import data_report_of
from slimtune.training.errors import DataError
from slimtune.training.evaluation.bootstrap import score_intervals
from slimtune.training.evaluation.score import Evaluation
from slimtune.training.metrics import Tally, compute_all
from slimtune.training.tasks.extraction import Extraction
from slimtune.training.workbench.prepared_data import prepare_data
from tests.training.tasks.conftest import CASES

ConfigFor = Callable[..., TrialConfig]
CASE = next(case for case in CASES if case.name == "extraction")


def long_rows() -> list[dict[str, object]]:
    rows = []
    for row in CASE.rows:
        text = f"{'so ' * 11}{row['text']} {'and then ' * 9}"
        shift = 33
        spans = [{**span, "start": span["start"] + shift, "end": span["end"] + shift} for span in row["label"]]
        rows.append({"text": text, "label": spans})
    return rows


def test_windows_tag_each_word_once_and_give_the_spans_back(config_for: ConfigFor) -> None:
    """Also where a span stands in the part that two windows share."""
    data = prepare_data(config_for(CASE._replace(rows=long_rows()), "data.max_length=16", "task.stride=6"))
    task, encoded = data.task, data.encoded["train"].encoded
    assert isinstance(task, Extraction)
    assert len(encoded) > len(data.rows.train)
    words: dict[int, list[tuple[int, int, str]]] = {}
    for row in range(len(encoded)):
        owner = int(encoded.columns[EXAMPLE].row(row)[0])
        labels = encoded.columns["labels"].row(row)
        starts, ends = (encoded.columns[name].row(row) for name in ("word_starts", "word_ends"))
        words.setdefault(owner, []).extend(
            (int(starts[at]), int(ends[at]), task.tags[labels[at]])
            for at in range(len(labels))
            if labels[at] != IGNORED
        )
    for owner, example in enumerate(data.rows.train):
        assert len(set(words[owner])) == len(words[owner]), "a word is tagged by one window only"
        assert spans_of_words(words[owner]) == example.spans


def test_scores_are_of_whole_rows_and_not_of_windows() -> None:
    """A span that two windows tag together is one entity."""
    task = Extraction(labels=("x",), max_length=8, stride=2)
    tally = Tally.of(
        example=[0, 0, 1],
        spans=[((0, 2, "B-x"),), ((3, 5, "I-x"),), ((0, 1, "O"),)],
        gold=[(Span(0, 5, "x"),), (Span(0, 5, "x"),), (Span(0, 1, "x"),)],
        data=[{}, {}, {}],
    )
    scores = compute_all(task.measures, tally)
    assert (scores["precision"], scores["recall"], scores["f1"]) == pytest.approx((1.0, 0.5, 2 / 3))


@pytest.mark.parametrize(("words", "tags"), [("words", "label"), ("tokens", "ner_tags")])
def test_tags_of_words_are_read_too(words: str, tags: str, config_for: ConfigFor) -> None:
    """In a column `words`, or as the text: sets on the hub have `tokens` and `ner_tags`."""
    rows = [{words: row["text"].rstrip(".").split(), tags: ["U-person", "O", "U-place", "O"]} for row in CASE.rows]
    columns = [f"data.label_column={tags}", *([] if words == "words" else [f"data.text_column={words}"])]
    data = prepare_data(config_for(CASE._replace(rows=rows), *columns))
    assert data.task.labels == ("person", "place")
    example = data.rows.train[0]
    assert [example.text[span.start : span.end] for span in example.spans] == [
        example.text.split()[0],
        example.text.split()[2],
    ]


def test_words_and_tags_may_have_blanks_between(config_for: ConfigFor) -> None:
    """As tables of sentences have them; one list and one text will do as well."""
    texts = [row["text"].rstrip(".") for row in CASE.rows]
    tags = "U-person O U-place O"
    given = [{"text": text, "label": tags} for text in texts]
    listed = [{"text": text, "label": tags.split()} for text in texts]
    as_lists = [{"text": text.split(), "label": tags.split()} for text in texts]
    of = [prepare_data(config_for(CASE._replace(rows=rows))).rows.fingerprint for rows in (given, listed, as_lists)]
    assert len(set(of)) == 1


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"text": "Oslo is far", "label": "B-place O"}, "3 words have 2 tags"),
        ({"text": "Oslo is far", "label": "a place"}, "spans must be .*; this row has 'a place'"),
        ({"text": "Oslo is far", "label": [1, 0, 0]}, "span 1 is 1, a number; of tags that are numbers"),
        ({"text": ["Oslo"], "label": [1]}, "tag '1', a number whose name nothing knows"),
    ],
)
def test_what_is_no_tag_and_no_span_is_quoted(row: dict[str, object], said: str, config_for: ConfigFor) -> None:
    with pytest.raises(DataError, match=said):
        prepare_data(config_for(CASE._replace(rows=[row, *CASE.rows])))


def test_rows_of_a_word_each_are_no_sentences(config_for: ConfigFor) -> None:
    """As files have them with a word a line: each would be trained on without the words beside it."""
    rows = [
        {"text": word, "label": tag}
        for word, tag in zip(["Ann", "Bob", "saw", "Rome", "Oslo"] * 4, ["B-x"] * 20, strict=True)
    ]
    rows = [{**row, "text": f"{row['text']}{number}"} for number, row in enumerate(rows)]
    with pytest.raises(DataError, match=r"each of the .* texts is one word, and a row is a whole text"):
        data_report_of(prepare_data(config_for(CASE._replace(rows=rows))))


def test_spans_inside_of_words_are_told(config_for: ConfigFor) -> None:
    """Words are tagged, so that a part of one cannot be found."""
    part = {"text": "Oslonians left Lima.", "label": [{"start": 0, "end": 4, "label": "place"}]}
    report = data_report_of(prepare_data(config_for(CASE._replace(rows=[*CASE.rows, part]))))
    said = "spans that do not begin and end with a word of their own: 1; they cannot be found whole; a part of a word"
    assert any(note.startswith(said) for note in report.notes)
    assert not any("a word of their own" in note for note in data_report_of(prepare_data(config_for(CASE))).notes)


def test_whole_examples_are_drawn_for_an_interval() -> None:
    """A perfect model's interval is the point 1: windows of an example stay together, and one drawn twice is two."""
    task = Extraction(labels=("x",), max_length=8, stride=2)
    words = [((0, 2, "B-x"),), ((3, 5, "I-x"),), ((0, 1, "B-x"),), ((0, 1, "O"),)]
    gold = [(Span(0, 5, "x"),), (Span(0, 5, "x"),), (Span(0, 1, "x"),), ()]
    tally = Tally.of(row=range(4), example=[0, 0, 1, 2], spans=words, gold=gold, data=[{}] * 4)
    evaluation = Evaluation(compute_all(task.measures, tally), tally, None)
    interval = score_intervals(evaluation, task.measures, ["f1"], seed=0)["f1"]
    assert interval.value == interval.high == 1.0
    assert interval.low in (0.0, 1.0), "only a draw of empty examples alone has no span to find"
