"""Makes training/data/corpora/similarity.jsonl from tools/material/; run `python -m tools.make_similarity`."""

import random
from typing import Any, NamedTuple

from tools.frames import read_lines, write_corpus

SEED = 20_240_613


class Meaning(NamedTuple):
    """Four sentences that say the same, and two that look like the first but say something else."""

    same: list[str]
    other: list[str]


def read_meanings() -> list[Meaning]:
    """All meanings, in the order of the file.

    Raises:
        ValueError: A meaning has not four sentences with `=` followed by two with `!`.
    """
    lines = read_lines("similarity_groups.txt")
    meanings = []
    for start in range(0, len(lines), 6):
        six = lines[start : start + 6]
        if [line[:2] for line in six] != ["= "] * 4 + ["! "] * 2:
            raise ValueError(f"'{six[0]}': a meaning has four lines with '= ', then two with '! '")
        sentences = [line[2:] for line in six]
        meanings.append(Meaning(sentences[:4], sentences[4:]))
    return meanings


def pairs_of(meaning: Meaning, neighbour: Meaning, rng: random.Random) -> list[tuple[str, str, int, str]]:
    """Three paraphrases, two hard negatives, and one easy negative with the neighbour.

    One paraphrase is close in wording and two are not; one hard negative goes with a sentence that it imitates, the
    other with a free paraphrase of that: so the share of common words alone hardly tells the label.
    """
    close, free = meaning.same[:2], meaning.same[2:]
    pairs = [(close[0], close[1], 1, "paraphrase"), (rng.choice(close), free[0], 1, "paraphrase")]
    pairs.append((rng.choice([*close, free[0]]), free[1], 1, "paraphrase"))
    pairs.append((rng.choice(close), meaning.other[0], 0, "hard"))
    pairs.append((rng.choice(free), meaning.other[1], 0, "hard"))
    pairs.append((rng.choice(meaning.same), rng.choice(neighbour.same), 0, "easy"))
    return pairs


def main() -> None:
    """Two meanings make a group, so that no sentence stands in two groups; the order in a pair is random."""
    rng = random.Random(SEED)
    meanings = read_meanings()
    rows: list[dict[str, Any]] = []
    seen: set[frozenset[str]] = set()
    for number, (one, two) in enumerate(zip(meanings[::2], meanings[1::2], strict=True), start=1):
        for meaning, neighbour in ((one, two), (two, one)):
            for *sentences, label, kind in pairs_of(meaning, neighbour, rng):
                while frozenset(sentences) in seen:  # both easy negatives of a group may be drawn alike
                    sentences = [rng.choice(meaning.same), rng.choice(neighbour.same)]
                seen.add(frozenset(sentences))
                first, second = rng.sample(sentences, 2)
                rows.append({"first": first, "second": second, "label": label, "kind": kind, "group": number})
    rng.shuffle(rows)
    write_corpus("similarity", rows)


if __name__ == "__main__":
    main()
