"""Which labels are taken for which, as a picture.

It is written by hand: each trial has one, and matplotlib would take more of the processor for it than all the rest of a
trial's tracking.
"""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

# beyond, nobody reads it
MOST_LABELS = 40
MOST_CHARS = 20
# pixels; of a sign of a name the mean width
CELL, GAP, SIGN, BAR = 38, 8, 7.2, 14
# of shares from 0 to 1: red, green, blue
SHADES = ((247, 251, 255), (107, 174, 214), (8, 48, 107))
NUM_STEPS = 20


def confusion_picture(details: Mapping[str, Any]) -> str | None:
    """An SVG of the `confusion` among a task's details: shares of each reference's rows; None where there is none.

    Args:
        details: As `Task.details` gives them, with the names in `labels`.
    """
    counts = details.get("confusion")
    if not counts or len(counts) > MOST_LABELS:
        return None
    names = [_shown(str(name)) for name in details["labels"]]
    # names of columns are turned by 45 degrees
    beside = 24 + SIGN * max(map(len, names))
    below, side = 24 + 0.75 * beside, CELL * len(names)
    width, height = beside + side + 90, GAP + side + below
    parts = [
        *_cells(counts, beside),
        *_names(names, beside, side),
        f'<text x="{beside + side / 2:.0f}" y="{height - GAP:.0f}">prediction</text>',
        f'<text transform="translate(14 {GAP + side / 2:.0f}) rotate(-90)">reference</text>',
        *_bar(beside + side + 24, side),
    ]
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" font-family="sans-serif" font-size="12" text-anchor="middle" '
        f'dominant-baseline="central"><rect width="100%" height="100%" fill="#ffffff"/>{"".join(parts)}</svg>\n'
    )


def _shown(name: str) -> str:
    """Its first signs; XML has no place for some of those that are not seen."""
    return "".join(sign if sign.isprintable() else "?" for sign in name[:MOST_CHARS])


def _cells(counts: Sequence[Sequence[int]], left: float) -> Iterator[str]:
    """A square for each pair of labels, with the number of its rows where there are some."""
    for row, numbers in enumerate(counts):
        for column, count in enumerate(numbers):
            share = count / max(1, sum(numbers))
            x, y = left + column * CELL, GAP + row * CELL
            yield f'<rect x="{x:.1f}" y="{y}" width="{CELL}" height="{CELL}" fill="{_shade(share)}"/>'
            if count:
                ink = "#ffffff" if share > 0.5 else "#000000"
                middle = f'x="{x + CELL / 2:.1f}" y="{y + CELL / 2:.1f}"'
                yield f'<text {middle} fill="{ink}" font-size="11">{count}</text>'
    side = CELL * len(counts)
    yield f'<rect x="{left:.1f}" y="{GAP}" width="{side}" height="{side}" fill="none" stroke="#888888"/>'


def _names(names: Sequence[str], left: float, side: float) -> Iterator[str]:
    for at, name in enumerate(names):
        middle = CELL * (at + 0.5)
        shown = escape(name)
        yield f'<text x="{left - 6:.1f}" y="{GAP + middle:.1f}" text-anchor="end">{shown}</text>'
        place = f"translate({left + middle:.1f} {GAP + side + 10:.1f}) rotate(-45)"
        yield f'<text transform="{place}" text-anchor="end">{shown}</text>'


def _bar(left: float, side: float) -> Iterator[str]:
    """What the shades mean."""
    step = side / NUM_STEPS
    for at in range(NUM_STEPS):
        y, shade = GAP + side - (at + 1) * step, _shade((at + 0.5) / NUM_STEPS)
        yield f'<rect x="{left:.1f}" y="{y:.1f}" width="{BAR}" height="{step + 0.5:.1f}" fill="{shade}"/>'
    for text, y in (("1", GAP + 6.0), ("0", GAP + side - 6.0)):
        yield f'<text x="{left + BAR + 8:.1f}" y="{y:.1f}">{text}</text>'
    place = f"translate({left + BAR + 24:.1f} {GAP + side / 2:.1f}) rotate(-90)"
    yield f'<text transform="{place}">share</text>'


def _shade(share: float) -> str:
    at = share * (len(SHADES) - 1)
    first = min(int(at), len(SHADES) - 2)
    mixed = [round(one + (other - one) * (at - first)) for one, other in zip(*SHADES[first : first + 2], strict=True)]
    return "#" + "".join(f"{part:02x}" for part in mixed)
