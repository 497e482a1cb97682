"""Makes training/data/corpora/requests.jsonl from tools/material/; run `python -m tools.make_requests`."""

import random
from typing import NamedTuple

from tools.frames import pair, read_lines, read_sections, split_frame, write_corpus

SEED = 20_240_614
ROWS_A_FRAME = 24
ATTEMPTS = 200
OPENERS = ["", "", "", "please ", "could you ", "can you ", "would you ", "hey, ", "now "]
CLOSERS = ["", "", "", " please", ", thanks", " for me please"]
QUESTIONS = ("could you ", "can you ", "would you ")


class Value(NamedTuple):
    """How a value is said, and how it stands in the output."""

    said: str
    meant: str


def values_of(line: str) -> tuple[Value, ...]:
    """One value, or two that belong together, separated by a bar."""
    parts = [part.strip() for part in line.split("|")]
    return tuple(Value(*pair(part)) if " = " in part else Value(part, part.lower()) for part in parts)


def draw(slots: list[str], values: dict[str, list[tuple[Value, ...]]], rng: random.Random) -> dict[str, Value]:
    """A value for every slot; `place` and `place2` differ, `quantity` and `quantity.2` belong together."""
    drawn: dict[str, tuple[Value, ...]] = {}
    for key in dict.fromkeys(slot.partition(".")[0] for slot in slots):
        drawn[key] = rng.choice([value for value in values[key.rstrip("2")] if value not in drawn.values()])
    return {slot: drawn[slot.partition(".")[0]][int(slot.partition(".")[2] or 1) - 1] for slot in slots}


def spoken(kind: str, text: str, rng: random.Random) -> str:
    """An order with a polite frame or none, typed with or without capital and full stop."""
    opener = rng.choice(OPENERS) if kind in "!+" and "please" not in text else ""
    closer = rng.choice(CLOSERS) if kind == "!" and not opener and "please" not in text else ""
    sentence = f"{opener}{text}{closer}"
    if rng.random() < 0.4:
        return sentence.lower()
    end = "?" if kind == "?" or opener in QUESTIONS else "."
    return sentence[0].upper() + sentence[1:] + end


def main() -> None:
    """Fills every frame, adds what no intent fits, shuffles and writes."""
    rng = random.Random(SEED)
    values = {name: [values_of(line) for line in lines] for name, lines in read_sections("requests_values.txt").items()}
    rows: dict[str, dict[str, str]] = {}
    for heading, frames in read_sections("requests_frames.txt").items():
        for number, frame in enumerate(frames, start=1):
            said, meant = pair(frame[2:], mark="=>")
            slots = [slot for _, slot in split_frame(said) if slot]
            fresh: dict[str, dict[str, str]] = {}
            for _ in range(ATTEMPTS):
                drawn = draw(slots, values, rng)
                text = "".join(fixed + (drawn[slot].said if slot else "") for fixed, slot in split_frame(said))
                output = "".join(fixed + (drawn[slot].meant if slot else "") for fixed, slot in split_frame(meant))
                given = spoken(frame[0], text, rng)
                if len(fresh) < ROWS_A_FRAME and given not in rows:
                    fresh[given] = {"input": given, "output": output, "frame": f"{heading}-{number:02}"}
            rows.update(fresh)
    for number, text in enumerate(read_lines("requests_none.txt"), start=1):
        rows[text] = {"input": text, "output": "none()", "frame": f"none-{number:02}"}
    shuffled = list(rows.values())
    rng.shuffle(shuffled)
    write_corpus("requests", shuffled)


if __name__ == "__main__":
    main()
