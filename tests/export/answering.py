"""One model, asked in every way that there is: what each answers to rows."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas
import pytest

from slimtune.export.evaluation.evaluate_model import evaluate_model
from slimtune.export.registry.pyfunc import ServedBundle
from slimtune.sweeper.cli import main
from tests.conftest import write_jsonl

WAYS = ("checkpoint", "run", "bundle", "predict", "served")
RUN, STORE = "0a1b2c3d4e5f60718293a4b5c6d7e8f9", "http://localhost:1"


class Answering(NamedTuple):
    """A checkpoint and its bundle.

    Attributes:
        checkpoint: Its folder.
        bundle: Its folder.
        folder: To write rows to.
    """

    checkpoint: Path
    bundle: Path
    folder: Path

    def answers(self, way: str, rows: Sequence[dict[str, Any]]) -> list[Any]:
        """What each row gets."""
        path = str(write_jsonl(self.folder / "asked.jsonl", rows))
        match way:
            case "checkpoint":
                return [row["prediction"] for row in evaluate_model(self.checkpoint, data=path).predictions]
            case "run":
                with pytest.MonkeyPatch.context() as patch:
                    door = "slimtune.training.tracking.mlflow_runs.download_run_folder"
                    patch.setattr(door, lambda *_: self.checkpoint)
                    found = evaluate_model(RUN, data=path, tracking_uri=STORE)
                return [row["prediction"] for row in found.predictions]
            case "bundle":
                return [row["prediction"] for row in evaluate_model(self.bundle, data=path).predictions]
            case "predict":
                out = self.folder / "answers.jsonl"
                assert main(["predict", "--model", str(self.bundle), "--file", path, "--out", str(out)]) == 0
                return [json.loads(line)["prediction"] for line in out.read_text().splitlines()]
            case _:
                frame = ServedBundle(self.bundle).predict(pandas.DataFrame(rows, dtype=object))
                return list(frame["prediction"])

    def refusal(self, way: str, rows: Sequence[dict[str, Any]], capsys: pytest.CaptureFixture[str]) -> str:
        """Why rows cannot be answered."""
        with pytest.raises(Exception) as raised:  # noqa: PT011  # MLflow's, ours, or that of an exit code
            self.answers(way, rows)
        return f"{raised.value}{capsys.readouterr().err}"


def same(first: Any, second: Any) -> bool:
    """Whether two models mean the same; numbers of a graph differ in the last places."""
    return bool(first == (pytest.approx(second, abs=1e-3) if isinstance(second, float) else second))


# what users' texts hold beside words
ODD = {
    "half a surrogate pair": "good \ud800 soup",
    "nul": "good\0soup",
    "control characters": "good\x07\x1b[31m soup",
    "nothing but controls": "\x01\x02",
    "a separator of lines": "good\u2028soup",
    "right to left": "\u202egood \u05e9\u05dc\u05d5\u05dd",
    "an emoji of several parts": "\U0001f469\u200d\U0001f469\u200d\U0001f467 good",
    "nothing to see": "\u200b\u200b",
    "very long": "good soup " * 20_000,
    "one long word": "x" * 100_000,
}
