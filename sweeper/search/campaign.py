"""What happens around a search, as the sweeper sees it."""

from collections.abc import Sequence
from typing import Any, Protocol

from slimtune.sweeper.search.request import SweepRequest


class Campaign(Protocol):
    """What happens around a search."""

    def check(self, request: SweepRequest) -> Sequence[str]:
        """Problems of the config, before anything heavy is imported."""

    def run(self, request: SweepRequest) -> Any:
        """Prepare, search, and make something of the result."""
