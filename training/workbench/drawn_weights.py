"""What models need whose weights are drawn anew (`model.scratch`), and a word where they are not given it."""

from slimtune.training.config.model import LEAST_RATE, SPACE, USUAL_EPOCHS, USUAL_RATE, shown_rate
from slimtune.training.config.trial import TrialConfig

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
