"""What simple models score on the made corpora, for their cards; run `python -m tools.simple_scores`."""

import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

from slimtune.training.tasks.baselines import nearest_answers
from tools.frames import CORPORA

FOLDS = 5
Row = dict[str, Any]
Found = set[tuple[int, int, str]]


def read(name: str) -> list[Row]:
    return [json.loads(line) for line in (CORPORA / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]


def words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"[\w']+", text.lower()))


def overlap(one: str, two: str) -> float:
    """Share of common words among all words of both."""
    a, b = words(one), words(two)
    return len(a & b) / len(a | b)


def folds(rows: list[Row], key: str) -> Iterator[tuple[list[Row], list[Row]]]:
    """Training and test rows; all rows with the same key are in the same fold."""
    fold_of = {value: number % FOLDS for number, value in enumerate(sorted({row[key] for row in rows}))}
    for fold in range(FOLDS):
        yield [r for r in rows if fold_of[r[key]] != fold], [r for r in rows if fold_of[r[key]] == fold]


def lookup_f1() -> tuple[float, float, float]:
    """Precision, recall and F1 of finding again, in unseen frames, every value seen in training, longest first."""
    hits = found_count = true_count = 0
    for train, test in folds(read("entities"), "frame"):
        votes: dict[str, Counter[str]] = {}
        for row in train:
            for span in row["spans"]:
                votes.setdefault(row["text"][span["start"] : span["end"]], Counter())[span["label"]] += 1
        longest_first = "|".join(re.escape(value) for value in sorted(votes, key=len, reverse=True))
        pattern = re.compile(rf"(?<!\w)(?:{longest_first})(?!\w)")
        for row in test:
            matches = pattern.finditer(row["text"])
            found: Found = {(m.start(), m.end(), votes[m[0]].most_common(1)[0][0]) for m in matches}
            true: Found = {(span["start"], span["end"], span["label"]) for span in row["spans"]}
            hits, found_count, true_count = hits + len(found & true), found_count + len(found), true_count + len(true)
    precision, recall = hits / found_count, hits / true_count
    return precision, recall, 2 * precision * recall / (precision + recall)


def overlap_accuracy(*, kinds: set[str]) -> float:
    """The best that a threshold on the share of common words reaches; the threshold is chosen on the same pairs."""
    pairs = [(overlap(r["first"], r["second"]), bool(r["label"])) for r in read("similarity") if r["kind"] in kinds]
    thresholds = {share for share, _ in pairs}
    right = [sum((share >= least) == same for share, same in pairs) for least in thresholds]
    return max(right) / len(pairs)


def nearest_exact_match(key: str) -> float:
    """Share of requests answered rightly by the output of the most alike training request."""
    rows = read("requests")
    if key == "row":
        rows = [{**row, "row": number} for number, row in enumerate(rows)]
    right = 0
    for train, test in folds(rows, key):
        found = nearest_answers([row["input"] for row in train], [row["input"] for row in test])
        right += sum(train[at]["output"] == row["output"] for at, row in zip(found, test, strict=True))
    return right / len(rows)


def main() -> None:
    scores = {
        "entities, lookup of seen values: precision, recall, F1": lookup_f1(),
        "similarity, word overlap, all pairs": (overlap_accuracy(kinds={"paraphrase", "hard", "easy"}),),
        "similarity, word overlap, without easy pairs": (overlap_accuracy(kinds={"paraphrase", "hard"}),),
        "requests, nearest neighbour, unseen rows": (nearest_exact_match("row"),),
        "requests, nearest neighbour, unseen frames": (nearest_exact_match("frame"),),
    }
    for name, values in scores.items():
        sys.stdout.write(f"{name}: {' '.join(f'{value:.3f}' for value in values)}\n")


if __name__ == "__main__":
    main()
