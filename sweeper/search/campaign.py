"""What happens around a search, as the sweeper sees it."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from slimtune.sweeper.search.request import SweepRequest


class Campaign(Protocol):
    """What happens around a search."""

    def check(self, request: SweepRequest) -> Sequence[str]:
        """Problems of the config, before anything heavy is imported."""

    def check_dimension(self, key: str, variants: Sequence[Mapping[str, Any]]) -> Sequence[str]:
        """Problems of searching a key at all, given the config's values with each end of its dimension."""

    def reading(self, key: str, values: Mapping[str, Any]) -> Any:
        """The value of a key as trials read it."""

    def refuse(self, problems: Sequence[str], request: SweepRequest) -> None:
        """Raise the problems that were found, with whatever else the campaign sees to be wrong beside them."""

    def run(self, request: SweepRequest) -> Any:
        """Prepare, search, and make something of the result."""
