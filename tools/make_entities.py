"""Makes training/data/corpora/entities.jsonl from tools/material/; run `python -m tools.make_entities`."""

import random
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any, NamedTuple

from tools.frames import read_lines, read_sections, split_frame, write_corpus

SEED = 20_240_611
ROWS_A_FRAME = 4
ATTEMPTS = 40

# fmt: off
UNITS = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
]
TENS = ["ten", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
MONTHS = [
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
]
WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
SEASONS = ["spring", "summer", "autumn", "winter"]
STRONG = ["euros", "dollars", "pounds", "francs", "reais"]
WEAK = ["rupees", "kronor", "pesos", "shillings", "yen"]
# fmt: on

ORGANIZATIONS = ("firm", "body", "club", "paper", "eatery", "hospital")
Maker = Callable[[random.Random], str]


class Piece(NamedTuple):
    """A stretch of a row; text without a label is no entity."""

    text: str
    label: str | None


def words_of(number: int) -> str:
    """A number from 0 to 999 in words, e.g. `forty-five`."""
    if number < 20:
        return UNITS[number]
    if number < 100:
        return TENS[number // 10 - 1] + (f"-{UNITS[number % 10]}" if number % 10 else "")
    rest = f" and {words_of(number % 100)}" if number % 100 else ""
    return f"{UNITS[number // 100]} hundred{rest}"


def ordinal(day: int) -> str:
    """`1st`, `2nd`, `13th`."""
    ending = "th" if day in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
    return f"{day}{ending}"


def any_day(rng: random.Random) -> date:
    """Five in six of the days lie in this century."""
    first = date(2001, 1, 1) if rng.random() < 5 / 6 else date(1890, 1, 1)
    return first + timedelta(days=rng.randrange((date(2029, 12, 31) - first).days))


def full_date(rng: random.Random) -> str:
    """A calendar date that reads well after `on`."""
    day = any_day(rng)
    month = MONTHS[day.month - 1]
    forms = [
        f"{day.day} {month} {day.year}",
        f"{day.day} {month}",
        f"{month} {day.day}, {day.year}",
        f"{month} {ordinal(day.day)}",
        f"the {ordinal(day.day)} of {month}",
        f"the {ordinal(day.day)} of {month} {day.year}",
        f"{WEEKDAYS[day.weekday()]}, {day.day} {month}",
        f"{WEEKDAYS[day.weekday()][:3]} {day.day} {month[:3]}",
        f"{ordinal(day.day)} {month} {day.year}",
        short_date(rng),
    ]
    return rng.choice(forms)


def short_date(rng: random.Random) -> str:
    """A date as forms have it."""
    day = any_day(rng)
    forms = [
        day.isoformat(),
        f"{day.day:02}/{day.month:02}/{day.year}",
        f"{day.day:02}.{day.month:02}.{day.year}",
        f"{day.day}.{day.month}.{day.year % 100:02}",
        f"{day.day}-{MONTHS[day.month - 1][:3]}-{day.year}",
        f"{day.day} {MONTHS[day.month - 1][:3]} {day.year}",
    ]
    return rng.choice(forms)


def year(rng: random.Random) -> str:
    return str(any_day(rng).year)


def month_year(rng: random.Random) -> str:
    return rng.choice(["{} {}", "{} {}", "{} of {}"]).format(rng.choice(MONTHS), year(rng))


def season(rng: random.Random) -> str:
    return rng.choice(["the {} of {}", "the long {} of {}", "the {} of {}"]).format(rng.choice(SEASONS), year(rng))


def past(rng: random.Random) -> str:
    few = words_of(rng.randint(2, 9))
    forms = ["yesterday", "last night", "the day before yesterday", "a fortnight ago", "last week", "last month"]
    forms += [f"last {rng.choice(WEEKDAYS)}"] * 4 + [f"last {rng.choice(SEASONS)}", f"last {rng.choice(MONTHS)}"]
    forms += [f"{few} days ago", f"{few} weeks ago", f"{few} years ago", "this morning"]
    return rng.choice(forms)


def next_day(rng: random.Random) -> str:
    forms = ["tomorrow", "the day after tomorrow", "next week", "next month", f"{rng.choice(WEEKDAYS)} week"]
    forms += [f"next {rng.choice(WEEKDAYS)}"] * 3 + [f"this {rng.choice(WEEKDAYS)}"] * 2
    return rng.choice(forms)


def future(rng: random.Random) -> str:
    few = words_of(rng.randint(2, 9))
    return rng.choice([next_day(rng)] * 5 + [f"in {few} days", f"in {few} weeks", "in a fortnight", "tonight"])


def money(low: int, high: int) -> Maker:
    """Money in figures or words, in one of many currencies; a weak currency has 80 times the figure."""

    def make(rng: random.Random) -> str:
        value = rng.randint(low, high) if high <= 100 else rng.randint(low // 50, high // 50) * 50
        forms = [f"{sign}{value:,}" for sign in "£€$"] + [f"{sign}{value * 80:,}" for sign in "₹¥"]
        forms += [f"CHF {value:,}", f"EUR {value:,}", f"KES {value * 80:,}", f"NOK {value * 10:,}"]
        forms += [f"{value:,} {rng.choice(STRONG)}"] * 2 + [f"{value * 80:,} {rng.choice(WEAK)}"] * 2
        forms += [f"{sign}{value:,}.{rng.choice((20, 49, 50, 75, 95, 99))}" for sign in "£€$"]
        if value < 1000:
            forms += [f"{words_of(value)} {rng.choice(STRONG)}"] * 3 + [f"{value} quid"]
        return rng.choice(forms)

    return make


def large_sum(rng: random.Random) -> str:
    value = rng.randint(2, 90)
    forms = [f"{sign}{value} million" for sign in "£€$"] + [f"{value} million {rng.choice(STRONG + WEAK)}"]
    forms += [f"{words_of(value)} million {rng.choice(STRONG + WEAK)}", f"€{value}m", f"{value / 10} billion rupees"]
    return rng.choice(forms)


def percent(rng: random.Random) -> str:
    value = rng.randint(2, 80)
    return rng.choice([f"{value} %", f"{value}%", f"{value / 4:g} per cent", f"{words_of(value)} per cent"])


def measure(low: int, high: int, *units: str) -> Maker:
    """A whole number with one of the units; spelled out before a unit of more than three letters, half of the time."""

    def make(rng: random.Random) -> str:
        value, unit = rng.randint(low, high), rng.choice(units)
        spelled = len(unit) > 3 and value < 1000 and rng.random() < 0.5
        return f"{words_of(value) if spelled else f'{value:,}'} {unit}"

    return make


def either(*makers: Maker) -> Maker:
    return lambda rng: rng.choice(makers)(rng)


def fixed(*texts: str) -> Maker:
    return lambda rng: rng.choice(texts)


def person_makers(lines: list[str]) -> dict[str, Maker]:
    """Full, first, last and filed names; a full name now and then has an initial."""
    names = [line.split("|") for line in lines]

    def full(rng: random.Random) -> str:
        first, last = rng.choice(names)
        initial = rng.choice("ABCDEFGHJKLMNPRSTVW")
        return rng.choice([f"{first} {last}"] * 8 + [f"{first[0]}. {last}", f"{first} {initial}. {last}"])

    return {
        "person": full,
        "first": lambda rng: rng.choice(names)[0],
        "last": lambda rng: rng.choice(names)[1],
        "lastfirst": lambda rng: ", ".join(reversed(rng.choice(names))),
    }


def makers_by_slot() -> dict[str, tuple[str, Maker]]:
    """Label and maker of every slot."""
    lists = read_sections("entities_values.txt")
    persons = person_makers(lists.pop("person"))
    streets = lists["street"]
    places: dict[str, Maker] = {name: fixed(*lists[name]) for name in ("town", "country", "street", "spot", "region")}
    places["address"] = lambda rng: f"{rng.randint(1, 190)} {rng.choice(streets)}"
    organizations: dict[str, Maker] = {name: fixed(*lists[name]) for name in ORGANIZATIONS}
    dates: dict[str, Maker] = {
        "date": full_date,
        "shortdate": short_date,
        "year": year,
        "earlyyear": lambda rng: str(rng.randint(1890, 2009)),
        "lateyear": lambda rng: str(rng.randint(2010, 2029)),
        "monthyear": month_year,
        "monthname": fixed(*MONTHS),
        "weekday": fixed(*WEEKDAYS),
        "season": season,
        "past": past,
        "nextday": next_day,
        "future": future,
    }
    amounts: dict[str, Maker] = {
        "price": money(2, 95),
        "money": money(100, 24_000),
        "sum": large_sum,
        "percent": percent,
        "weight": either(
            measure(2, 9, "kg", "kilos", "pounds"), fixed("half a kilo", "250 g", "100 g", "400 grams", "750 g")
        ),
        "sack": measure(10, 60, "kg", "kilos"),
        "tons": measure(2, 40, "tons", "tonnes"),
        "fat": measure(2, 15, "kg", "kilos", "pounds"),
        "bodyweight": either(measure(48, 110, "kg", "kilos"), measure(105, 240, "lb", "pounds")),
        "volume": either(measure(2, 6, "l", "litres", "pints"), fixed("half a litre", "a gallon", "750 ml", "33 cl")),
        "litres": measure(5, 400, "l", "litres", "gallons"),
        "dose": either(measure(2, 30, "ml"), measure(2, 30, "drops"), fixed("half a teaspoon", "one spoonful")),
        "km": measure(2, 90, "km", "kilometres", "miles"),
        "metres": either(measure(2, 9, "m", "metres", "feet"), fixed("2.5 m", "4.20 m", "six and a half feet")),
        "throw": either(measure(18, 66, "m", "metres"), fixed("41.30 m")),
        "race": fixed("400 m", "800 metres", "10 km", "five miles", "1,500 m", "200 metres"),
        "height": either(measure(148, 199, "cm"), fixed("1.71 m", "1.83 m", "six feet", "5 ft 9")),
        "cm": measure(3, 95, "cm", "inches"),
        "area": either(measure(20, 240, "m²", "square metres"), measure(2, 60, "acres", "hectares")),
    }
    kinds = {"person": persons, "place": places, "organization": organizations, "date": dates, "amount": amounts}
    return {slot: (label, maker) for label, makers in kinds.items() for slot, maker in makers.items()}


def fill(frame: str, makers: dict[str, tuple[str, Maker]], rng: random.Random) -> list[Piece]:
    """The pieces of one row; no value stands in it twice, except where the frame writes it out."""
    pieces: list[Piece] = []
    for text, slot in split_frame(frame):
        pieces.append(Piece(text.replace("\\n", "\n"), None))
        if slot is None:
            continue
        if "=" in slot:
            label, _, written = slot.partition("=")
            pieces.append(Piece(written, label))
            continue
        label, maker = makers[slot]
        value = maker(rng)
        while Piece(value, label) in pieces:
            value = maker(rng)
        pieces.append(Piece(_opening(value) if _opens_sentence(pieces) else value, label))
    return pieces


def _opens_sentence(pieces: list[Piece]) -> bool:
    before = "".join(piece.text for piece in pieces)
    return not before or before.endswith((". ", "! ", "? ", "\n"))


def _opening(value: str) -> str:
    return value[0].upper() + value[1:]


def row_of(frame: str, makers: dict[str, tuple[str, Maker]], rng: random.Random) -> dict[str, Any]:
    """Text and exact spans of one filled frame."""
    case, bar, body = frame.partition("| ")
    change = {"lower": str.lower, "upper": str.upper}.get(case) if bar else None
    text, spans = "", []
    for piece in fill(body if change else frame, makers, rng):
        shown = change(piece.text) if change else piece.text
        if piece.label is not None:
            spans.append({"start": len(text), "end": len(text) + len(shown), "label": piece.label})
        text += shown
    return {"text": text, "spans": spans}


def main() -> None:
    """Fills every frame, adds the rows without entities, shuffles and writes."""
    rng = random.Random(SEED)
    makers = makers_by_slot()
    rows: dict[str, dict[str, Any]] = {}
    for genre, frames in read_sections("entities_frames.txt").items():
        for number, frame in enumerate(frames, start=1):
            made: dict[str, dict[str, Any]] = {}
            for _ in range(ATTEMPTS):
                row = row_of(frame, makers, rng)
                if len(made) < ROWS_A_FRAME and row["text"] not in rows:
                    made[row["text"]] = {**row, "frame": f"{genre}-{number:02}"}
            rows.update(made)
    for number, text in enumerate(read_lines("entities_none.txt"), start=1):
        rows[text] = {"text": text, "spans": [], "frame": f"none-{number:02}"}
    shuffled = list(rows.values())
    rng.shuffle(shuffled)
    write_corpus("entities", shuffled)


if __name__ == "__main__":
    main()
