"""Whether a trial learns its rows by heart: training loss goes on falling while validation loss rises."""

from collections.abc import Mapping, Sequence

# one evaluation may be chance
EVALUATIONS = 2
# of the lowest validation loss
LEAST_RISE = 0.01
TRAIN, VALIDATION = "train/loss", "validation/loss"


def overfits_since(reports: Sequence[tuple[int, Mapping[str, float]]]) -> int | None:
    """The examples at which validation loss was lowest, once the last evaluations are all above it by a hundredth
    while training loss is below what it was there; None as long as they are not.
    """
    before, last = reports[:-EVALUATIONS], [metrics for _, metrics in reports[-EVALUATIONS:]]
    if not before:
        return None
    examples_seen, lowest = min(before, key=lambda report: report[1][VALIDATION])
    rise = lowest[VALIDATION] + LEAST_RISE * abs(lowest[VALIDATION])
    rises = all(metrics[VALIDATION] > rise for metrics in last)
    falls = all(metrics[TRAIN] < lowest[TRAIN] for metrics in last)
    return examples_seen if rises and falls else None
