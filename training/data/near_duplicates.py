"""Texts that are nearly the same: MinHash (by rensa) and LSH propose the pairs, their shingles decide.

rensa's own LSH gives every member of a bucket, which in data of one template is every row for every row.

Broder 1997, On the resemblance and containment of documents; Leskovec et al., Mining of Massive Datasets, section 3.4.
"""

# N texts, M others, U both, P those of them that have a partner, H hashes, C candidate pairs

import functools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from rensa import RMinHash, RMinHashLSH

SHINGLE_WORDS = 3
NUM_HASHES, SEED = 64, 0
# the chance that a pair which is just similar enough shares no bucket
MAX_MISS = 1e-6
# in data made from one template, everything shares buckets with everything
MAX_BUCKET = 32
MIN_THRESHOLD = 0.5
FOLD = np.uint64(0x9E3779B97F4A7C15)


class Match(NamedTuple):
    """Two texts that are nearly the same.

    Attributes:
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
    shingles_of = functools.cache(shingles)
    matches = []
    for text, other in _candidates(texts, others, threshold):
        same = texts[text] == others[other]
        similarity = 1.0 if same else jaccard(shingles_of(texts[text]), shingles_of(others[other]))
        if similarity >= threshold:
            matches.append(Match(text, other, similarity))
    return matches


class Conflict(NamedTuple):
    """A row that is nearly the same as an earlier one, which has another label.

    Attributes:
        text: Of the later of the two.
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
    return frozenset(_shingles(text))


def _shingles(text: str) -> list[str]:
    words = text.casefold().split()
    if len(words) < SHINGLE_WORDS:
        return words or [""]
    # written out, since this runs for every word of the data
    return [f"{one} {two} {three}" for one, two, three in zip(words, words[1:], words[2:], strict=False)]


def jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    """Shared elements over all elements."""
    num_shared = len(one & other)
    return num_shared / (len(one) + len(other) - num_shared)


def _candidates(texts: Sequence[str], others: Sequence[str], threshold: float) -> Iterator[tuple[int, int]]:
    own_pairs = others is texts
    tokens_U = [_tokens(text) for text in (texts if own_pairs else [*texts, *others])]
    num_rows = _rows_per_band(threshold)
    # a row alone in all of its buckets has no partner but itself, and most rows are
    num_hashes = NUM_HASHES // num_rows * num_rows
    partnered_U = _partnered(tokens_U, num_hashes, num_rows)
    text_P = np.flatnonzero(partnered_U[: len(texts)])
    other_P = text_P if own_pairs else np.flatnonzero(partnered_U[len(texts) :])
    signatures_PH = _signatures([tokens_U[row] for row in np.flatnonzero(partnered_U)], num_hashes)
    keys = [_keys(band_PR) for band_PR in np.split(signatures_PH, num_hashes // num_rows, axis=1)]
    right = slice(0 if own_pairs else len(text_P), None)
    places = [_sharing(one_P[: len(text_P)], one_P[right]) for one_P in keys]
    left_C, right_C = np.divmod(np.concatenate(places), max(len(other_P), 1))
    codes_C = text_P[left_C] * len(others) + other_P[right_C]
    if own_pairs:
        codes_C = np.concatenate([codes_C, np.flatnonzero(~partnered_U) * (len(others) + 1)])
    text_C, other_C = np.divmod(np.unique(codes_C), len(others))
    return zip(text_C.tolist(), other_C.tolist(), strict=True)


def _tokens(text: str) -> list[str]:
    # half of a surrogate pair, which JSON may hold, has no UTF-8
    return _shingles(text.encode("utf-8", "replace").decode("utf-8"))


def _partnered(tokens_U: list[list[str]], num_hashes: int, num_rows: int) -> np.ndarray:
    """Whether each row shares a bucket with another one."""
    matrix = RMinHash.digest_matrix_from_token_sets(tokens_U, num_hashes, SEED)
    index = RMinHashLSH(threshold=0.0, num_perm=num_hashes, num_bands=num_hashes // num_rows)
    return np.array(index.query_duplicate_flags_matrix_one_shot(matrix), dtype=bool)


def _signatures(tokens_P: list[list[str]], num_hashes: int) -> np.ndarray:
    rows = RMinHash.digest_matrix_from_token_sets(tokens_P, num_hashes, SEED).to_rows()
    return np.array(rows, dtype=np.uint64).reshape(-1, num_hashes)


def _rows_per_band(threshold: float) -> int:
    return max(rows for rows in range(1, 9) if (1 - threshold**rows) ** (NUM_HASHES // rows) <= MAX_MISS)


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
