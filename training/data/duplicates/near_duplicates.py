"""Texts that are nearly the same: MinHash (by rensa) and LSH propose the pairs, their shingles decide.

rensa's own LSH gives every member of a bucket, which in data of one template is every row for every row.

Broder 1997, On the resemblance and containment of documents; Leskovec et al., Mining of Massive Datasets, section 3.4.
"""

# N texts, M others, U both, P those of them that have a partner, H hashes, K bands, R rows of a band, C candidate pairs

import functools
import itertools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from rensa import RMinHash

SHINGLE_WORDS = 3
NUM_HASHES, SEED = 64, 0
# share of common shingles from which rows with different labels are told
CONFLICTING = 0.9
# the chance that a pair which is just similar enough shares no bucket
MAX_MISS = 1e-6
# in data made from one template, everything shares buckets with everything
MAX_BUCKET = 32
MIN_THRESHOLD = 0.5
# texts whose shingles are in memory at once
SIGNED_TEXTS = 10_000
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


def near_duplicates(texts: Sequence[str], others: Sequence[str], *, threshold: float = CONFLICTING) -> list[Match]:
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
    return list(_matches(texts, others, threshold))


def _matches(texts: Sequence[str], others: Sequence[str], threshold: float) -> Iterator[Match]:
    if not texts or not others:
        return
    shingles_of = functools.cache(shingles)
    for text, other in _candidates(texts, others, threshold):
        same = texts[text] == others[other]
        similarity = 1.0 if same else jaccard(shingles_of(texts[text]), shingles_of(others[other]))
        if similarity >= threshold:
            yield Match(text, other, similarity)


class Conflict(NamedTuple):
    """A row that is nearly the same as an earlier one, which has another label.

    Attributes:
        row: Index of the later of the two.
        other: Index of the earlier one.
    """

    row: int
    other: int


def label_conflicts(texts: Sequence[str], labels: Sequence[str]) -> list[Conflict]:
    """Rows that are nearly the same as an earlier row with another label: each once, the most similar first."""
    conflicts: dict[int, Match] = {}
    near = _matches(texts, texts, CONFLICTING)
    earlier = (one for one in near if one.other < one.text and labels[one.text] != labels[one.other])
    for match in sorted(earlier, key=lambda match: -match.similarity):
        conflicts.setdefault(match.text, match)
    return [Conflict(row, match.other) for row, match in conflicts.items()]


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
    keys_UK = _band_keys(texts, others if not own_pairs else (), _rows_per_band(threshold))
    # a row alone in all of its buckets has no partner but itself, and most rows are
    partnered_U = _partnered(keys_UK)
    text_P = np.flatnonzero(partnered_U[: len(texts)])
    other_P = text_P if own_pairs else np.flatnonzero(partnered_U[len(texts) :])
    right = slice(0 if own_pairs else len(text_P), None)
    places = [_sharing(one_P[: len(text_P)], one_P[right]) for one_P in keys_UK[partnered_U].T]
    left_C, right_C = np.divmod(np.concatenate(places), max(len(other_P), 1))
    codes_C = text_P[left_C] * len(others) + other_P[right_C]
    if own_pairs:
        codes_C = np.concatenate([codes_C, np.flatnonzero(~partnered_U) * (len(others) + 1)])
    text_C, other_C = np.divmod(np.unique(codes_C), len(others))
    return zip(text_C.tolist(), other_C.tolist(), strict=True)


def _band_keys(texts: Sequence[str], others: Sequence[str], num_rows: int) -> np.ndarray:
    """For each band the bucket of each text: some texts at a time, for their shingles take many times their memory."""
    num_bands = NUM_HASHES // num_rows
    keys_UK = np.empty((len(texts) + len(others), num_bands), dtype=np.uint64)
    every, at = itertools.chain(texts, others), 0
    while tokens := [_tokens(text) for text in itertools.islice(every, SIGNED_TEXTS)]:
        signatures_NH = _signatures(tokens, num_bands * num_rows)
        for band, band_NR in enumerate(np.split(signatures_NH, num_bands, axis=1)):
            keys_UK[at : at + len(tokens), band] = _keys(band_NR)
        at += len(tokens)
    return keys_UK


def _tokens(text: str) -> list[str]:
    # half of a surrogate pair, which JSON may hold, has no UTF-8
    return _shingles(text.encode("utf-8", "replace").decode("utf-8"))


def _partnered(keys_UK: np.ndarray) -> np.ndarray:
    """Whether each row shares a bucket with another one."""
    found_U = np.zeros(len(keys_UK), dtype=bool)
    for keys_U in keys_UK.T:
        sorted_U = np.sort(keys_U)
        shared = np.unique(sorted_U[1:][sorted_U[1:] == sorted_U[:-1]])
        if len(shared):
            places_U = np.searchsorted(shared, keys_U).clip(max=len(shared) - 1)
            found_U |= shared[places_U] == keys_U
    return found_U


def _signatures(tokens_N: list[list[str]], num_hashes: int) -> np.ndarray:
    rows = RMinHash.digest_matrix_from_token_sets(tokens_N, num_hashes, SEED).to_rows()
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
