from types import SimpleNamespace
from typing import Any

import pytest

from slimtune.export.promotion.config import promotion_config
from slimtune.sweeper.campaigns.winner_registration import gate_words
from slimtune.sweeper.reporting.next_commands import next_commands
from slimtune.training.tracking.uri import URI_VARIABLE


def test_a_registered_winner_is_served_and_asked_by_its_own_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(URI_VARIABLE, raising=False)
    tracked: Any = SimpleNamespace(link=None, own_link=None)
    exported = {"arguments": '--text "..."', "bundle": "outputs/mood/export/bundle", "row": {"review": "..."}}
    registered = {"name": "mood", "version": "1", "alias": "champion"}
    found = next_commands("mood", tracked, None, exported=exported, registered=registered)
    assert "--model-uri models:/mood@champion" in found["serve it"]
    assert found["and ask it there"].endswith("""-d '{"dataframe_records": [{"review": "..."}]}'""")
    assert "serve it" not in next_commands("mood", tracked, None, exported=exported, registered=None)


def test_a_challenger_comes_with_the_command_that_promotes_it() -> None:
    tracked: Any = SimpleNamespace(link=None, own_link=None)
    exported = {"arguments": "", "bundle": "b", "row": {"text": "..."}}
    promote = {}
    for alias in ("champion", "challenger"):
        registered = {"name": "mood", "version": "2", "alias": alias}
        found = next_commands("mood", tracked, "sqlite:///x.db", exported=exported, registered=registered)
        promote[alias] = found.get("promote it, on more rows")
    command = "slimtune promote models:/mood@challenger --data more.jsonl --tracking-uri sqlite:///x.db"
    assert promote == {"champion": None, "challenger": command}


def test_a_version_that_was_refused_comes_with_the_command_that_shows_why() -> None:
    """By the rules of the sweep, which are not the usual ones."""
    tracked: Any = SimpleNamespace(link=None, own_link=None)
    exported = {"arguments": "", "bundle": "b", "row": {"text": "..."}}
    gate = gate_words("live", promotion_config(["promotion.min_gain=0.02", "promotion.no_leak=false"]))
    registered = {"name": "mood", "version": "2", "alias": None, "gate": gate}
    found = next_commands("mood", tracked, None, exported=exported, registered=registered)
    told = "slimtune promote models:/mood/2 --dry-run --alias live promotion.min_gain=0.02 promotion.no_leak=false"
    assert found["see what the gate refused"] == told
    assert gate_words("champion", promotion_config()) == []


def test_commands_name_the_store_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(URI_VARIABLE, "http://127.0.0.1:5000")
    tracked: Any = SimpleNamespace(link="http://127.0.0.1:5000/#/experiments/1", own_link=None)
    exported = {"arguments": "", "bundle": "b", "row": {"text": "..."}}
    registered = {"name": "mood", "version": "1", "alias": "champion"}
    found = next_commands("mood", tracked, None, exported=exported, registered=registered)
    assert found["try the model"].endswith(" --tracking-uri http://127.0.0.1:5000")
    assert "open the MLflow UI" not in found, "a server has its own page"
    own = next_commands("mood", tracked, "sqlite:///own.db", exported=exported, registered=registered)
    assert own["try the model"].endswith(" --tracking-uri sqlite:///own.db")
