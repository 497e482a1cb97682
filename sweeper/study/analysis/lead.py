"""By how much the best finalist leads the next one, and how much of that may be chance: the one rule for it."""

import math
from collections.abc import Sequence
from statistics import fmean, stdev
from typing import NamedTuple

from slimtune.sweeper.study.analysis.finalists import Seeded
from slimtune.training.config.score_range import SHARES_OF_ROWS
from slimtune.training.listed_names import agreeing, counted

# standard errors of a difference that chance alone rarely exceeds
NOISE_ERRORS = 2.0
# what a sum of rounded scores may be off
SAME = 1e-9


class Scored(NamedTuple):
    """What the scores of finalists are.

    Attributes:
        metric: Name of the score.
        num_rows: Validation rows that it is of; None where that is not known.
    """

    metric: str
    num_rows: int | None = None

    @property
    def on_rows(self) -> str:
        """The end of a sentence."""
        return "" if self.num_rows is None else f" on {counted(self.num_rows, 'validation row')}"


class Lead(NamedTuple):
    """Two finalists beside each other.

    Attributes:
        first: The one that was chosen.
        second: The best of the others.
        seeds_error: Standard error of the difference of their means by their seeds; None where one of them has one.
        rows_error: The same by the validation rows; None where neither parts of them nor a share of them is known.
    """

    first: Seeded
    second: Seeded
    seeds_error: float | None
    rows_error: float | None

    @property
    def gap(self) -> float:
        """Between their means."""
        return abs(self.first.mean - self.second.mean)

    @property
    def is_tie(self) -> bool:
        """Whether they have the same mean."""
        return self.gap <= SAME * max(1.0, abs(self.first.mean))

    @property
    def noise(self) -> float | None:
        """By how much the means differ by chance; None where nothing says that.

        Seeds that all gave the same score say nothing by themselves: two or three do that on few rows.
        """
        errors = [error for error in (self.seeds_error, self.rows_error) if error is not None]
        if self.rows_error is None and not self.seeds_error:
            return None
        return NOISE_ERRORS * math.hypot(*errors)


def doubt(
    found: Sequence[Seeded], chosen: int | None, scored: Scored, *, rerun: Sequence[Seeded] | None = None
) -> str | None:
    """Why the winner may not be the better one, in a sentence with its numbers; None where its lead is clear.

    Args:
        found: The finalists, the best mean first.
        chosen: The winner's number; None or another one takes the best.
        scored: What their scores are.
        rerun: Where trials are compared by their one run in the search: those that have further seeds all the same.
    """
    if len(found) < 2:
        return None
    first = next((one for one in found if one.number == chosen), found[0])
    others = [one for one in found if one.number != first.number]
    # a mean over fewer seeds is not what decided
    second = next((one for one in others if len(one.scores) == len(first.scores)), others[0])
    lead = lead_of(first, second, scored)
    if (alone := _rerun_alone(lead, rerun or ())) is not None:
        return _of_one_rerun(lead, scored, alone)
    if len(first.scores) == len(second.scores) == 1:
        return _of_one_seed(lead, scored)
    if found.index(second) < found.index(first) and not lead.is_tie:
        return _of_better_mean(lead, scored, len(found))
    return _over_seeds(lead, scored, len(found))


def _rerun_alone(lead: Lead, rerun: Sequence[Seeded]) -> Seeded | None:
    return next((one for one in rerun if one.number in (lead.first.number, lead.second.number)), None)


def lead_of(first: Seeded, second: Seeded, scored: Scored) -> Lead:
    """Of two finalists."""
    by_parts = _error_by_parts(first, second)
    rows_error = _error_of_shares(first, second, scored) if by_parts is None else by_parts
    return Lead(first, second, _error_by_seeds(first, second), rows_error)


def _error_by_seeds(first: Seeded, second: Seeded) -> float | None:
    if first.spread is None or second.spread is None:
        return None
    return math.sqrt(sum(one.spread**2 / len(one.scores) for one in (first, second) if one.spread is not None))


def _error_by_parts(first: Seeded, second: Seeded) -> float | None:
    """Of the mean difference over parts of the rows, which are the same in both, under the seeds that both have."""
    seeds = sorted(first.parts.keys() & second.parts.keys())
    pairs = [zip(first.parts[seed], second.parts[seed], strict=False) for seed in seeds]
    # a part without a score is NaN under one seed or another
    gaps = [fmean(one - other for one, other in part) for part in zip(*pairs, strict=False)]
    known = [gap for gap in gaps if math.isfinite(gap)]
    return stdev(known) / math.sqrt(len(known)) if len(known) > 1 else None


def _error_of_shares(first: Seeded, second: Seeded, scored: Scored) -> float | None:
    """Binomial, of the share of right rows that both have together."""
    share = (first.mean + second.mean) / 2
    if scored.metric not in SHARES_OF_ROWS or not scored.num_rows or not 0 <= share <= 1:
        return None
    return math.sqrt(2 * share * (1 - share) / scored.num_rows)


def _over_seeds(lead: Lead, scored: Scored, num_finalists: int) -> str | None:
    first, second = lead.first, lead.second
    mean = f"in the mean of {scored.metric} over {_seeds(lead)}"
    if lead.is_tie:
        return (
            f"Within noise: trial {first.number} and trial {second.number} tie at {first.mean:z.4f} {mean}"
            f"{scored.on_rows}, and nothing tells them apart. Take the cheaper of the two, or "
            f"{_repair(lead, num_finalists)}."
        )
    if lead.noise is None:
        return (
            f"Chance not known: trial {first.number} leads trial {second.number} by {lead.gap:.4f} {mean}"
            f"{scored.on_rows}, and nothing says how much of that is chance, since {_why_unknown(lead)}. Rerun with "
            f"more seeds ({_more_seeds(lead, num_finalists)})."
        )
    if lead.gap >= lead.noise:
        return None
    return (
        f"Within noise: trial {first.number} leads trial {second.number} by {lead.gap:.4f} {mean}{scored.on_rows}, and "
        f"chance alone gives up to {lead.noise:.4f}: the better mean here need not be the better one on other rows or "
        f"seeds. Take the cheaper of the two, or {_repair(lead, num_finalists)}."
    )


def _of_better_mean(lead: Lead, scored: Scored, num_finalists: int) -> str:
    """Where it is the other one's, which could not win by it."""
    first, second = lead.first, lead.second
    is_short = len(second.scores) < len(first.scores)
    why = "a mean over fewer seeds does not win" if is_short else "it was no finalist any more when one was chosen"
    return (
        f"Better mean: trial {second.number} has {scored.metric} {second.mean:z.4f} over {_number(second)}"
        f"{_failed(second)}, and trial {first.number}, the winner, {first.mean:z.4f} over {_number(first)}"
        f"{scored.on_rows}: {why}. Rerun both with search.finalists={num_finalists} "
        f"search.rerun_seeds={max(2, len(first.scores) + first.failed)}."
    )


def _why_unknown(lead: Lead) -> str:
    if lead.seeds_error == 0.0:
        return "each of them gave the same score"
    one = min((lead.first, lead.second), key=lambda seeded: len(seeded.scores))
    return f"trial {one.number} has one seed{_failed(one)}"


def _seeds(lead: Lead) -> str:
    counts = sorted({len(lead.first.scores), len(lead.second.scores)})
    return f"{' and '.join(map(str, counts))} {agreeing(counts[-1], 'seed', 'seeds')}"


def _number(one: Seeded) -> str:
    return counted(len(one.scores), "seed")


def _failed(one: Seeded) -> str:
    return f" ({counted(one.failed, 'rerun')} failed)" if one.failed else ""


def _repair(lead: Lead, num_finalists: int) -> str:
    """More seeds do not help where it is the rows that are few."""
    if lead.rows_error is not None and lead.rows_error > (lead.seeds_error or 0.0):
        return "compare them on more validation rows (data.validation_share or data.validation_file)"
    return f"rerun with more seeds ({_more_seeds(lead, num_finalists)})"


def _more_seeds(lead: Lead, num_finalists: int) -> str:
    """Overrides that bring them; one that was not rerun as often may be no finalist by those of the last command."""
    counts = {len(one.scores) for one in (lead.first, lead.second)}
    finalists = f"search.finalists={num_finalists} " if len(counts) > 1 else ""
    return f"{finalists}search.rerun_seeds={2 * max(counts)}"


def _of_one_seed(lead: Lead, scored: Scored) -> str:
    failed = max(lead.first.failed, lead.second.failed)
    why = ", since reruns failed" if failed else ""
    return (
        f"One seed each{why}: {_led(lead, scored)}, and nothing says how much of that is the seed. Rerun both with "
        f"search.finalists=2 search.rerun_seeds={2 * max(1, failed)}."
    )


def _of_one_rerun(lead: Lead, scored: Scored, alone: Seeded) -> str:
    """Where further seeds of one of the two say what the seed does to that one alone."""
    other = next(one for one in (lead.first, lead.second) if one.number != alone.number)
    of = f"mean {alone.mean:z.4f} over {_number(alone)}{_failed(alone)}"
    return (
        f"Trial {other.number} was not rerun: with one seed each, {_led(lead, scored)}, and trial {alone.number} alone "
        f"was rerun ({of}), so nothing says how much of that is the seed. Rerun both with search.finalists=2 "
        f"search.rerun_seeds={max(2, len(alone.scores) + alone.failed - 1)}."
    )


def _led(lead: Lead, scored: Scored) -> str:
    first, second = lead.first, lead.second
    led = (
        f"trial {first.number} and trial {second.number} tie at {first.mean:z.4f}{scored.on_rows}"
        if lead.is_tie
        else f"trial {first.number} leads trial {second.number} by {lead.gap:.4f}{scored.on_rows}"
    )
    return f"{led}; which rows these are gives up to {lead.noise:.4f} by chance" if lead.noise else led
