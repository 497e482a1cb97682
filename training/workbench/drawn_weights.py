"""What models need whose weights are drawn anew (`model.scratch`), and a word where they are not given it."""

from slimtune.training.config.trial import TrialConfig

# a tiny_llama on 56 rows in 20 passes: validation loss 3.29 at 5e-5, 1.39 at 3e-4, 1.04 at 3e-3, 1.52 at 1e-2, and 3.47
# by token counts alone; conf/space/full_drawn.yaml searches from the first of these to 1e-2
LEAST_RATE, USUAL_RATE = 3e-4, 3e-3
# passes over a few hundred to a few thousand rows; early stopping ends a trial that has enough
USUAL_EPOCHS = 20
# the option of the group `space` that searches rates for them
SPACE = "full_drawn"
# weights, from which on lower rates are usual: 3e-4 at 350 million (Brown et al. 2020, table 2.1)
MOST_WEIGHTS = 350_000_000


def rate_note(config: TrialConfig, num_weights: int) -> str | None:
    """What a person should know of a learning rate that is too low for weights that nobody has trained; None else.

    Args:
        config: Of a trial.
        num_weights: Of its model.
    """
    rate = config.fit.learning_rate
    if config.model.scratch is None or rate >= LEAST_RATE or num_weights >= MOST_WEIGHTS:
        return None
    return (
        f"fit.learning_rate is {shown_rate(rate)}, and the weights are drawn anew (model.scratch), which hardly learn "
        f"below {shown_rate(LEAST_RATE)}; use fit.learning_rate={shown_rate(USUAL_RATE)} fit.epochs={USUAL_EPOCHS}, "
        f"and space={SPACE} for a search"
    )


def shown_rate(rate: float) -> str:
    """As configs write it: 3e-4."""
    digits, _, power = f"{rate:.2e}".partition("e")
    return f"{float(digits):g}e{int(power)}"
