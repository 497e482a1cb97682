"""How long evaluations take beside the training, as far as rows and their lengths tell."""

import math

from slimtune.training.config.fit import FitConfig
from slimtune.training.data.batching import EncodedSplit

# forward passes that a training example costs: one forward, and a backward that takes twice as long
PASSES = 3
# of the time of a trial, from which it is told
MOST_SHARE = 0.2
# fewer rows tell trials apart by luck
LEAST_ROWS = 200


def evaluation_note(fit: FitConfig, train: EncodedSplit, validation: EncodedSplit | None) -> str | None:
    """What a person should know of a trial that evaluates for longer than a fifth of its time; None for others.

    An evaluation is one forward pass of each validation row; answers that are written take longer than that.
    """
    if validation is None or not len(validation) or not len(train):
        return None
    every = fit.examples_between_evaluations(len(train))
    tokens = float(validation.encoded.lengths().sum())
    trained = PASSES * float(train.encoded.lengths().mean())
    share = tokens / (tokens + every * trained)
    if share <= MOST_SHARE:
        return None
    fewest = tokens * (1 - MOST_SHARE) / MOST_SHARE / trained
    rows = int(len(validation) * every / fewest)
    sample = f", or data.validation_rows={rows} to score the trials of a search on a sample"
    fewer = _rounded_up(fewest)
    more = (
        f"fit.eval_every={fewer}" if fit.eval_steps is None else f"fit.eval_steps={math.ceil(fewer / fit.batch_size)}"
    )
    return (
        f"evaluations take about {share:.0%} of a trial: {len(validation):,} validation rows after every "
        f"{every:,.0f} training rows; use {more}{sample if rows >= LEAST_ROWS else ''}"
    )


def _rounded_up(value: float) -> int:
    """To two digits."""
    unit: int = 10 ** max(0, math.floor(math.log10(value)) - 1)
    return math.ceil(value / unit) * unit
