"""Texts that are nearly the same: MinHash (by rensa) and LSH propose the pairs, their shingles decide.

rensa's own LSH gives every member of a bucket, which in data of one template is every row for every row.

Broder 1997, On the resemblance and containment of documents; Leskovec et al., Mining of Massive Datasets, section 3.4.
"""

# N texts, M others, U both, H hashes, C candidate pairs

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from rensa import RMinHash

SHINGLE_WORDS = 3
NUM_HASHES, SEED = 64, 0
# the chance that a pair which is just similar enough shares no bucket
MAX_MISS = 1e-6
# in data made from one template, everything shares buckets with everything
MAX_BUCKET = 32
MIN_THRESHOLD = 0.5
FOLD = np.uint64(0x9E3779B97F4A7C15)


class Match(NamedTuple):
    """Attributes:
    text: Index in `texts`.
    other: Index in `others`.
    similarity: Shared shingles over all shingles of the two, in [threshold, 1].
    """

    text: int
    other: int
    similarity: float


def near_duplicates(texts: Sequence[str], others: Sequence[str], *, threshold: float = 0.9) -> list[Match]:
    """Pairs whose Jaccard similarity is at least `threshold`, in order of text, then other.

    A shingle is three words in a row; a text of fewer words has its single words instead, so it matches only texts as
    short. Case and spacing do not count; equal texts match with 1. No pair is reported wrongly. A pair at the threshold
    is missed with a chance of one in a million, and a text that shares a bucket with more than 32 others is compared
    with the first 32. The same arguments give the same pairs.

    Raises:
        ValueError: `threshold` is not in [0.5, 1].
    """
    if not MIN_THRESHOLD <= threshold <= 1:
        raise ValueError(f"threshold is {threshold}; use a share in [{MIN_THRESHOLD}, 1]")
    if not texts or not others:
        return []
    candidates = _candidates(texts, others, threshold)
    left = {index: shingles(texts[index]) for index in set(candidates.text_C)}
    # of texts compared with each other, each has itself for a candidate
    right = left if others is texts else {index: shingles(others[index]) for index in set(candidates.other_C)}
    pairs = zip(candidates.text_C, candidates.other_C, strict=True)
    matches = (Match(text, other, jaccard(left[text], right[other])) for text, other in pairs)
    return [match for match in matches if match.similarity >= threshold]


class Conflict(NamedTuple):
    """Attributes:
    text: Of the later of two rows.
    label: Its label.
    other_label: The earlier row's.
    """

    text: str
    label: str
    other_label: str


def label_conflicts(texts: Sequence[str], labels: Sequence[str], *, limit: int) -> list[Conflict]:
    """Rows that are nearly the same as an earlier row with another label: each once, the most similar first."""
    conflicts: dict[int, Match] = {}
    for match in sorted(near_duplicates(texts, texts), key=lambda match: -match.similarity):
        if match.other < match.text and labels[match.text] != labels[match.other]:
            conflicts.setdefault(match.text, match)
    return [Conflict(texts[row], labels[row], labels[match.other]) for row, match in list(conflicts.items())[:limit]]


def shingles(text: str) -> frozenset[str]:
    """What a text is compared by; never empty, so that texts without words equal each other."""
    words = text.casefold().split()
    if len(words) < SHINGLE_WORDS:
        return frozenset(words or [""])
    return frozenset(map(" ".join, zip(*(words[start:] for start in range(SHINGLE_WORDS)), strict=False)))


def jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    """Shared elements over all elements."""
    num_shared = len(one & other)
    return num_shared / (len(one) + len(other) - num_shared)


class _Candidates(NamedTuple):
    text_C: list[int]
    other_C: list[int]


def _candidates(texts: Sequence[str], others: Sequence[str], threshold: float) -> _Candidates:
    signatures_UH = _signatures(texts, others)
    num_rows = _rows_per_band(threshold)
    keys = [_keys(signatures_UH[:, start : start + num_rows]) for start in _starts(num_rows)]
    codes_C = np.unique(np.concatenate([_sharing(one_U[: len(texts)], one_U[len(texts) :]) for one_U in keys]))
    text_C, other_C = np.divmod(codes_C, len(others))
    return _Candidates(text_C.tolist(), other_C.tolist())


def _signatures(texts: Sequence[str], others: Sequence[str]) -> np.ndarray:
    ours_NH = _minhashes(texts)
    return np.concatenate([ours_NH, ours_NH if others is texts else _minhashes(others)])


def _minhashes(texts: Sequence[str]) -> np.ndarray:
    # half of a surrogate pair, which JSON may hold, has no UTF-8
    tokens = [shingles(text.encode("utf-8", "replace").decode("utf-8")) for text in texts]
    return np.array(RMinHash.digest_matrix_from_token_sets(tokens, NUM_HASHES, SEED).to_rows(), dtype=np.uint64)


def _rows_per_band(threshold: float) -> int:
    return max(rows for rows in range(1, 9) if (1 - threshold**rows) ** (NUM_HASHES // rows) <= MAX_MISS)


def _starts(num_rows: int) -> range:
    """Where each band of so many hashes begins."""
    return range(0, NUM_HASHES - num_rows + 1, num_rows)


def _keys(band_UR: np.ndarray) -> np.ndarray:
    keys_U = band_UR[:, 0]
    for column_U in band_UR.T[1:]:
        keys_U = keys_U * FOLD + column_U
    return keys_U


def _sharing(left_N: np.ndarray, right_M: np.ndarray) -> np.ndarray:
    """`text * M + other` of the pairs with equal keys."""
    order_M = np.argsort(right_M, kind="stable")
    sorted_M = right_M[order_M]
    first_N = np.searchsorted(sorted_M, left_N, side="left")
    counts_N = np.minimum(np.searchsorted(sorted_M, left_N, side="right") - first_N, MAX_BUCKET)
    places_C = np.arange(counts_N.sum()) - np.repeat(np.cumsum(counts_N) - counts_N, counts_N)
    others_C = order_M[np.repeat(first_N, counts_N) + places_C]
    codes_C: np.ndarray = np.repeat(np.arange(len(left_N)), counts_N) * len(right_M) + others_C
    return codes_C
