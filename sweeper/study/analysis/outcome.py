"""What a sweep came to: its winner, the winner's test scores, and the version that it was registered as."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from slimtune.export.registry.model_uri import version_uri
from slimtune.sweeper.study.record import WINNER, stage_result

# beside the result of a stage: the checkpoint that was the winner's when it was done
OF_CHECKPOINT = "checkpoint"


class SweepOutcome(NamedTuple):
    """Of a sweep that has chosen.

    Attributes:
        winner: See `Winner.as_dict`.
        test: Its scores on the test rows by name, each with its interval; empty before they are read, or without such
            rows.
        registered: Name, version and alias of the registered model; empty where it is not registered.
    """

    winner: Mapping[str, Any]
    test: Mapping[str, Mapping[str, float]]
    registered: Mapping[str, Any]

    @property
    def uri(self) -> str | None:
        """Of the registered version."""
        return version_uri(self.registered["name"], self.registered["version"]) if self.registered else None

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "trial": self.winner["trial"],
            "params": dict(self.winner.get("params") or {}),
            "validation_mean": self.winner.get("score"),
            "values": dict(self.winner.get("values") or {}),
            "test": {name: dict(score) for name, score in self.test.items()},
            "registered": self.uri,
            "alias": self.registered.get("alias"),
        }


def outcome_of(attrs: Mapping[str, Any]) -> SweepOutcome | None:
    """What the notes on a study say; None before a winner is chosen.

    What an earlier winner of the same sweep came to is left out: stages are noted with the checkpoint that they are of.

    Args:
        attrs: Of the study.
    """
    winner = attrs.get(WINNER)
    if not winner:
        return None
    test, registered = (winner_stage(attrs, name) for name in ("test", "registered"))
    return SweepOutcome(winner, test.get("scores") or {}, registered)


def registered_before(attrs: Mapping[str, Any]) -> Mapping[str, Any]:
    """Name, version and alias of what an earlier end of the sweep registered; empty where it is the winner's, or none.

    Args:
        attrs: Of the study.
    """
    return {} if has_stage(attrs, "registered") else stage_result(attrs, "registered")


def checkpoint_of(winner: Mapping[str, Any] | None) -> str | None:
    """The winner's checkpoint, by a name that stays when the sweep's folder is moved; None before there is one."""
    known = (winner or {}).get("checkpoint")
    return None if known is None else "/".join(Path(known).parts[-3:])


def winner_stage(attrs: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """What came of `test`, `export` or `registered`; empty before it is done, and where it is an earlier winner's.

    Args:
        attrs: Of the study.
        name: Of the stage.
    """
    return stage_result(attrs, name) if has_stage(attrs, name) else {}


def has_stage(attrs: Mapping[str, Any], name: str) -> bool:
    """Whether a stage is done of the winner that there is, whatever came of it.

    Args:
        attrs: Of the study.
        name: Of the stage.
    """
    noted = attrs.get(name) or {}
    return bool(noted) and noted.get(OF_CHECKPOINT) in (None, checkpoint_of(attrs.get(WINNER)))
