"""Rows that every metric has something to tell apart in."""

from typing import Any

TEXTS = ["a cat", "a dog"]
EXAMPLES: dict[str, list[Any]] = {
    "accuracy": [0, 1],
    "f1": [0, 1],
    "exact_match": TEXTS,
    "bleu": TEXTS,
    "chrf": TEXTS,
    "rouge": TEXTS,
    "entity_f1": [["0:5:person"], []],
    "multilabel_f1": [[0, 2], [1]],
    "spearman": [0.1, 0.9],
    "pair_scores": [0, 1],
}
