"""A sweep from what Hydra hands over to the campaign's end."""

from collections.abc import Sequence
from typing import Any

from slimtune.sweeper.search.read_request import read_request
from slimtune.sweeper.search.request import HydraApp


def run_sweep(app: HydraApp, arguments: Sequence[str]) -> Any:
    """Run a sweep to its end, resume one, or join one that is running.

    Returns:
        What its campaign gives.

    Raises:
        ConfigError: All problems of the config at once, before the first trial.
        UserError: Data, model or store cannot be used.
        SweepStopped: Somebody has stopped it.
    """
    request, campaign = read_request(app, arguments)
    return campaign.run(request)
