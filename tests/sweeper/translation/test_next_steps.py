"""What a person is told to do with an imported config."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from slimtune.sweeper.cli import main
from slimtune.sweeper.translation.next_steps import default_dimensions
from tests.cases.sweep_requests import RequestOf, request_of

__all__ = ["request_of"]
ALL_SET: dict[str, Any] = {
    "base_model": "org/a-small-model",
    "adapter": "lora",
    "lora_r": 8,
    "learning_rate": 1e-4,
    "micro_batch_size": 8,
}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def told_of(config: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> str:
    Path("theirs.yaml").write_text(yaml.safe_dump(config))
    assert main(["import", "theirs.yaml"]) == 0
    return capsys.readouterr().out.partition("next: ")[2]


def test_where_nothing_is_left_to_search_it_is_trained_once(capsys: pytest.CaptureFixture[str]) -> None:
    told = told_of(ALL_SET, capsys)
    assert told.startswith("slimtune check --config theirs.slimtune.yaml\nthen: slimtune train --config theirs.")
    assert "to search, remove any of fit.learning_rate, fit.batch_size, method.r from it" in told
    assert "slimtune sweep" not in told


def test_a_method_without_a_rank_asks_for_none(capsys: pytest.CaptureFixture[str]) -> None:
    told = told_of({**ALL_SET, "adapter": "none"}, capsys)
    assert "remove any of fit.learning_rate, fit.batch_size from it" in told


@pytest.mark.parametrize(("left_out", "key"), [("learning_rate", "fit.learning_rate"), ("lora_r", "method.r")])
def test_what_is_left_is_searched(left_out: str, key: str, capsys: pytest.CaptureFixture[str]) -> None:
    told = told_of({name: value for name, value in ALL_SET.items() if name != left_out}, capsys)
    assert "then: slimtune sweep --config theirs.slimtune.yaml" in told
    assert re.search(rf"searches {re.escape(key)}; slimtune train --config", told)


@pytest.mark.parametrize("method", ["full", "lora", "qlora"])
def test_default_dimensions_are_those_of_a_sweep(method: str, request_of: RequestOf) -> None:
    searched = request_of(f"method={method}", "model.name_or_path=a/b").space.searched_keys()
    assert sorted(searched) == sorted(default_dimensions(method))
