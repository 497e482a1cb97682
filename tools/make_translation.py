"""Makes training/data/corpora/translation.jsonl from tools/material/; run `python -m tools.make_translation`."""

import random
from typing import NamedTuple

from tools.frames import pair, read_lines, read_sections, split_frame, write_corpus

SEED = 20_240_612
ROWS_A_FRAME = 40
ATTEMPTS = 200
GENDERS = "mfn"


class Word(NamedTuple):
    """One entry of a list: English, the German forms, and the gender of a noun."""

    english: str
    german: tuple[str, ...]
    gender: str | None


def word_of(line: str) -> Word:
    """`key = m Schlüssel`, `tidy up = aufräumen | aufzuräumen` or `tomorrow = morgen`."""
    english, german = pair(line)
    if german[:2] in ("m ", "f ", "n "):
        return Word(english, (german[2:],), german[0])
    return Word(english, tuple(form.strip() for form in german.split("|")), None)


def shown(slot: str, word: Word, *, english: bool) -> str:
    """A slot's text: `thing:den/die/das`, `do.2`, `food:a` or just `town`."""
    name, _, articles = slot.partition(":")
    if english:
        article = ("an " if word.english[0] in "aeiou" else "a ") if articles else ""
        return article + word.english
    if articles:
        return f"{articles.split('/')[GENDERS.index(word.gender or '')]} {word.german[0]}"
    return word.german[int(name.partition(".")[2] or 1) - 1]


def key_of(slot: str) -> str:
    """The name under which a slot is drawn: `food2:einen/eine/ein` is `food2`."""
    return slot.partition(":")[0].partition(".")[0]


def draw(slots: list[str], words: dict[str, list[Word]], rng: random.Random) -> dict[str, Word]:
    """A word for every slot; `food` and `food2` differ."""
    drawn: dict[str, Word] = {}
    for key in dict.fromkeys(key_of(slot) for slot in slots):
        drawn[key] = rng.choice([word for word in words[key.rstrip("2")] if word not in drawn.values()])
    return drawn


def render(side: str, drawn: dict[str, Word], *, english: bool) -> str:
    """One side of a filled frame, with a capital at its beginning."""
    text = "".join(
        fixed + (shown(slot, drawn[key_of(slot)], english=english) if slot else "") for fixed, slot in split_frame(side)
    )
    return text[0].upper() + text[1:]


def main() -> None:
    """The pairs written one by one, then the filled frames, shuffled."""
    rng = random.Random(SEED)
    sections = read_sections("translation_frames.txt")
    frames = sections.pop("frames")
    words = {name: [word_of(line) for line in lines] for name, lines in sections.items()}
    rows: dict[str, dict[str, str]] = {}
    for number, line in enumerate(read_lines("translation_written.txt"), start=1):
        source, target = pair(line)
        rows[source] = {"source": source, "target": target, "frame": f"written-{number:03}"}
    for number, line in enumerate(frames, start=1):
        english, german = pair(line)
        slots = [slot for _, slot in split_frame(english) if slot]
        fresh: dict[str, dict[str, str]] = {}
        for _ in range(ATTEMPTS):
            drawn = draw(slots, words, rng)
            source, target = render(english, drawn, english=True), render(german, drawn, english=False)
            if source not in rows and len(fresh) < ROWS_A_FRAME:
                fresh[source] = {"source": source, "target": target, "frame": f"frame-{number:03}"}
        rows.update(fresh)
    shuffled = list(rows.values())
    rng.shuffle(shuffled)
    write_corpus("translation", shuffled)


if __name__ == "__main__":
    main()
