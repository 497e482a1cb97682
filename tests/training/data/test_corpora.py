import importlib
import re
from collections import Counter, defaultdict
from pathlib import Path

import pytest

import tools.frames
from slimtune.training.data.readers.reader import Row, read_rows

NAMES = ("entities", "translation", "similarity", "requests")
LABELS = {"person", "place", "date", "amount", "organization"}
CALL = re.compile(r"(\w+)\((?:\w+=[^,()]+(?:, \w+=[^,()]+)*)?\)")


def corpus(name: str) -> list[Row]:
    return read_rows(f"package:slimtune/training/data/corpora/{name}.jsonl")


def card(name: str) -> str:
    return (tools.frames.CORPORA / f"{name}.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def entities() -> list[Row]:
    return corpus("entities")


@pytest.fixture(scope="module")
def similarity() -> list[Row]:
    return corpus("similarity")


@pytest.mark.parametrize("name", NAMES)
def test_the_generator_makes_the_very_file(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The seed is fixed: what lies in the repository can be made anew, byte for byte."""
    kept = (tools.frames.CORPORA / f"{name}.jsonl").read_bytes()
    monkeypatch.setattr(tools.frames, "CORPORA", tmp_path)
    importlib.import_module(f"tools.make_{name}").main()
    assert (tmp_path / f"{name}.jsonl").read_bytes() == kept


@pytest.mark.parametrize(
    ("name", "rows"), [("entities", 1171), ("translation", 3338), ("similarity", 912), ("requests", 4565)]
)
def test_every_card_counts_its_rows(name: str, rows: int) -> None:
    assert len(corpus(name)) == rows
    assert card(name).split("\n\n")[1].startswith(f"{rows:,} ")


@pytest.mark.parametrize(
    ("name", "keys"), [("entities", ["text"]), ("translation", ["source"]), ("requests", ["input"])]
)
def test_no_text_comes_twice(name: str, keys: list[str]) -> None:
    texts = Counter(tuple(row[key] for key in keys) for row in corpus(name))
    assert [text for text, count in texts.items() if count > 1] == []


@pytest.mark.parametrize(("name", "most"), [("entities", 4), ("translation", 40), ("requests", 24)])
def test_no_frame_dominates(name: str, most: int) -> None:
    frames = Counter(row["frame"] for row in corpus(name))
    assert max(frames.values()) <= most
    assert len(frames) >= 200


def test_spans_are_exact_ordered_and_apart(entities: list[Row]) -> None:
    """Each span lies within the text, begins and ends at a word, and none touches the next."""
    for row in entities:
        text, end = row["text"], -1
        for span in row["spans"]:
            value = text[span["start"] : span["end"]]
            assert end < span["start"] < span["end"] <= len(text), row
            assert value == value.strip(), row
            assert not text[: span["start"]][-1:].isalnum(), row
            assert not text[span["end"] :][:1].isalnum(), row
            end = span["end"]


def test_the_entities_card_counts_labels_and_empty_rows(entities: list[Row]) -> None:
    counts = Counter(span["label"] for row in entities for span in row["spans"])
    assert set(counts) == LABELS
    assert ", ".join(f"{label} {count}" for label, count in counts.most_common()) in card("entities")
    empty = sum(not row["spans"] for row in entities)
    assert f"{empty} ({empty / len(entities):.1%}) have no entity".replace("%", " %") in card("entities")
    assert 0.07 < empty / len(entities) < 0.09


def test_no_date_or_money_is_left_unmarked(entities: list[Row]) -> None:
    """What is surely an entity stands in a span; a dog called Friday is the exception."""
    sure = re.compile(r"\b(?:mon|tues|wednes|thurs|satur|sun)day\b|tomorrow|yesterday|[£€$₹¥%]|\b(?:19|20)\d\d\b", re.I)
    for row in entities:
        rest = list(row["text"])
        for span in row["spans"]:
            rest[span["start"] : span["end"]] = "_" * (span["end"] - span["start"])
        assert not sure.search("".join(rest)), row


def test_both_languages_are_there_and_differ() -> None:
    for row in corpus("translation"):
        assert row["source"].strip() == row["source"] != ""
        assert row["target"].strip() == row["target"] != ""
        assert row["source"] != row["target"]
        assert row["source"][-1] == row["target"][-1], row
        assert not re.search(r"[äöüßÄÖÜ]", row["source"]), row


def test_the_translation_card_counts_its_two_sources() -> None:
    kinds = Counter(row["frame"].split("-")[0] for row in corpus("translation"))
    assert kinds["written"] >= 300
    assert f"{kinds['written']} pairs written one by one, and {kinds['frame']} filled" in card("translation")


def test_a_group_of_pairs_is_closed(similarity: list[Row]) -> None:
    """No sentence stands in two groups, so a split by group shows nothing of a test pair to the training."""
    groups = defaultdict(set)
    for row in similarity:
        groups[row["first"]].add(row["group"])
        groups[row["second"]].add(row["group"])
    assert max(len(found) for found in groups.values()) == 1
    assert set(Counter(row["group"] for row in similarity).values()) == {12}


def test_the_similarity_card_counts_labels_and_kinds(similarity: list[Row]) -> None:
    kinds = Counter((row["kind"], row["label"]) for row in similarity)
    assert kinds == {("paraphrase", 1): 456, ("hard", 0): 304, ("easy", 0): 152}
    assert "paraphrase 456 (label 1), hard 304 and easy 152 (label 0)" in card("similarity")
    pairs = Counter(frozenset((row["first"], row["second"])) for row in similarity)
    assert set(pairs.values()) == {1}
    assert all(len(pair) == 2 for pair in pairs)


def test_common_words_hardly_tell_the_hard_pairs_from_paraphrases() -> None:
    """Of 760 pairs 456 are paraphrases, a share of 0.6: the best threshold on common words gains nearly nothing."""
    from tools.simple_scores import overlap_accuracy

    assert overlap_accuracy(kinds={"paraphrase", "hard"}) < 0.62


def test_every_request_is_answered_by_one_well_formed_call() -> None:
    """`name(slot=value, ...)` in lower case, counted by the card; the same input never has two answers."""
    outputs = [row["output"] for row in corpus("requests")]
    matches = [CALL.fullmatch(output) for output in outputs]
    assert [output for output, match in zip(outputs, matches, strict=True) if match is None] == []
    assert [output for output in outputs if output != output.lower()] == []
    calls = Counter(match[1] for match in matches if match)
    ranked = sorted(calls.items(), key=lambda item: (item[0] != "none", -item[1], item[0]))
    assert ", ".join(f"{name} {count}" for name, count in ranked) in card("requests")
    answers = {row["input"].lower().rstrip(".?"): row["output"] for row in corpus("requests")}
    assert all(answers[row["input"].lower().rstrip(".?")] == row["output"] for row in corpus("requests"))
