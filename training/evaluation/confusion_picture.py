"""Which labels are taken for which, as a picture."""

import io
from collections.abc import Mapping
from typing import Any

# beyond, nobody reads it
MOST_LABELS = 40
INCHES_PER_LABEL, MARGIN_INCHES = 0.5, 2.0
MOST_CHARS = 20


def confusion_picture(details: Mapping[str, Any]) -> str | None:
    """An SVG of the `confusion` among a task's details: shares of each reference's rows; None where there is none.

    Args:
        details: As `Task.details` gives them, with the names in `labels`.
    """
    counts = details.get("confusion")
    if not counts or len(counts) > MOST_LABELS:
        return None
    # a second to import, and only the tracker's thread waits for it
    import numpy as np
    from matplotlib.figure import Figure

    names = [str(name)[:MOST_CHARS] for name in details["labels"]]
    counts_LL = np.asarray(counts)
    shares_LL = counts_LL / np.maximum(1, counts_LL.sum(axis=1, keepdims=True))
    side = MARGIN_INCHES + INCHES_PER_LABEL * len(names)
    figure = Figure(figsize=(side + 0.5, side), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(shares_LL, cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(len(names)), names, rotation=45, ha="right", parse_math=False)
    axes.set_yticks(range(len(names)), names, parse_math=False)
    axes.set_xlabel("prediction")
    axes.set_ylabel("reference")
    for (row, column), count in np.ndenumerate(counts_LL):
        if count:
            colour = "white" if shares_LL[row, column] > 0.5 else "black"
            axes.text(column, row, str(count), ha="center", va="center", color=colour, fontsize=8)
    figure.colorbar(image, ax=axes, shrink=0.7, label="share of the reference's rows")
    drawn = io.StringIO()
    figure.savefig(drawn, format="svg", metadata={"Date": None})
    return drawn.getvalue()
