"""A sweep from what Hydra hands over to the campaign's end."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from slimtune.sweeper.search.read_request import read_request
from slimtune.sweeper.search.request import HydraApp
from slimtune.training.errors import StoreError


def run_sweep(app: HydraApp, arguments: Sequence[str]) -> Any:
    """Run a sweep to its end, or resume one.

    Returns:
        What its campaign gives.

    Raises:
        ConfigError: All problems of the config at once, before the first trial.
        UserError: Data, model or store cannot be used.
    """
    request, campaign = read_request(app, arguments)
    if not getattr(campaign, "writes", True):
        return campaign.run(request)
    request.folder.mkdir(parents=True, exist_ok=True)
    with _alone(request.folder):
        return campaign.run(request)


def _alone(folder: Path) -> AbstractContextManager[object]:
    """One launching process a sweep."""
    # it imports asyncio, which a config error need not wait for
    from filelock import FileLock, Timeout

    lock = FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise StoreError(
            f"the sweep in {folder} is running in another process; wait for it, or take another search.name"
        ) from None
    return lock
