"""What most tasks have in common."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import torch

from slimtune.training.data.batching import EncodedSplit
from slimtune.training.data.examples import Example
from slimtune.training.metrics import Tally


class TaskDefaults:
    """A task with an answer for each row, in the tally's column `prediction`, whose models write no text."""

    couples_rows: bool = False
    has_near_leaks: bool = True
    export_kind: str | None = None

    @staticmethod
    def stratify_by(examples: Sequence[Example]) -> Sequence[str] | None:
        """None."""
        return None

    def model_options(self) -> Mapping[str, object]:
        """None."""
        return {}

    def generated(self, model: Any, split: EncodedSplit, tokenizer: Any, *, device: torch.device) -> Tally | None:
        """None."""
        return None

    def notes(self, examples: Sequence[Example]) -> Sequence[str]:
        """None."""
        return []

    def with_generated_rows(self, num_rows: int) -> Self:
        """Itself."""
        return self

    def predictions(self, tally: Tally, generated: Tally | None, examples: Sequence[Example]) -> list[Any]:
        """The column `prediction`; empty if it is not one of examples."""
        answers = list(tally.columns.get("prediction", ()))
        # a row of the task's may be a part of an example
        return answers if len(answers) == len(examples) else []

    def details(self, tally: Tally) -> Mapping[str, Any]:
        """None."""
        return {}

    def export_settings(self, tokenizer: Any) -> Mapping[str, Any]:
        """None."""
        return {}
