"""Who may be asked for, and what becomes of the aliases; the store is asked for nothing else."""

import math
import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from slimtune.export.commands import promote as command
from slimtune.export.config import onnx_config
from slimtune.export.promotion import promote as promote_module
from slimtune.export.promotion.candidate import Candidate
from slimtune.export.promotion.config import promotion_config
from slimtune.export.promotion.gate import GateDecision, GateVerdict
from slimtune.export.promotion.promote import Promotion, PromotionRequest, promote
from slimtune.export.registry.alias_lock import AliasLock
from slimtune.export.registry.aliases import drop_alias, history_of, set_alias
from slimtune.export.registry.mlflow_registry import FilesGone, RegisteredVersion, alias_version
from slimtune.training.errors import ConfigError, ModelError, NotPromoted
from slimtune.training.tracking.mlflow_runs import client_of
from tests.export.promotion.test_gate import make


@pytest.mark.parametrize("alias", ["challenger", "Challenger"])
def test_the_challengers_alias_is_not_asked_for(alias: str, tmp_path: Path) -> None:
    """Who is not shown to be better gets it, and would have what it asked for: told before anything is opened."""
    candidate = Candidate("tiny", None, make(0.5))
    with pytest.raises(ModelError, match="the gate gives challenger by itself"):
        promote(candidate, PromotionRequest(f"sqlite:///{tmp_path}/no.db", promotion_config(), alias))
    with pytest.raises(ModelError, match=f"--alias is '{alias}'; use a word such as champion"):
        command.run(["no_such_model", "--alias", alias])
    with pytest.raises(ConfigError, match=rf"export\.alias is .*{alias}.*; use a word such as champion"):
        onnx_config(alias=alias)
    assert onnx_config(alias="challenger-2").alias == "challenger-2"


@pytest.fixture
def uri(tmp_path: Path) -> str:
    """Two versions without files."""
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    client_of(uri).create_registered_model("tiny")
    for _ in range(2):
        client_of(uri).create_model_version("tiny", source=str(tmp_path))
    return uri


def test_the_report_is_uploaded_without_the_lock(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which is held for the move alone: it would be taken over by others after a minute."""
    events = []

    @contextmanager
    def lock(*_: Any) -> Iterator[AliasLock]:
        events.append("locked")
        yield AliasLock("tiny", math.inf)
        events.append(f"champion {alias_version(uri, 'tiny', 'champion')}, unlocked")

    monkeypatch.setattr(promote_module, "alias_lock", lock)
    monkeypatch.setattr(promote_module, "keep_report", lambda *_: events.append("kept"))
    candidate = Candidate("tiny", RegisteredVersion("tiny", "1"), make(0.5))
    assert promote(candidate, PromotionRequest(uri, promotion_config(), "champion")).alias == "champion"
    assert events == ["locked", "champion 1, unlocked", "kept"]


@pytest.mark.parametrize(
    ("taken", "told"),
    [
        ("version", "the last champion was version 1, since 20..-..-.., and is not in the registry any more"),
        ("alias", "the last champion was version 1, which was taken from it on 20..-..-.."),
        ("unnoted", "the last champion was version 1, since 20..-..-.., and was given no successor"),
        ("never", "there was no champion$"),
    ],
)
def test_a_champion_that_is_gone_is_told_from_the_history(
    taken: str, told: str, uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(promote_module, "keep_report", lambda *_: None)
    if taken != "never":
        set_alias(uri, RegisteredVersion("tiny", "1"), "champion")
    match taken:
        case "version":
            client_of(uri).delete_model_version("tiny", "1")
        case "alias":
            drop_alias(uri, "tiny", "champion")
        case "unnoted":
            client_of(uri).delete_registered_model_alias("tiny", "champion")
    candidate = Candidate("tiny", RegisteredVersion("tiny", "2"), make(0.5))
    done = promote(candidate, PromotionRequest(uri, promotion_config(), "champion"))
    assert re.match(told, done.report["reason"])
    assert done.alias == "champion"


def test_the_history_says_promoted_only_of_who_passed_the_gate(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is kept as challenger was not."""
    monkeypatch.setattr(promote_module, "keep_report", lambda *_: None)
    for number, verdict in (("1", GateVerdict.promoted), ("2", GateVerdict.challenger)):
        decision = GateDecision(verdict, [], None, "")
        monkeypatch.setattr(promote_module, "decide", lambda *_, found=decision, **__: found)
        monkeypatch.setattr(promote_module, "_opponent", lambda *_: None)
        promote(
            Candidate("tiny", RegisteredVersion("tiny", number), make(0.5)),
            PromotionRequest(uri, promotion_config(), "champion"),
        )
    told = [(move.alias, move.version, move.why) for move in history_of(uri, "tiny")]
    assert told == [("champion", "1", "promoted"), ("challenger", "2", "not shown to be better")]


def test_the_history_names_rules_that_were_switched_off(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(promote_module, "keep_report", lambda *_: None)
    config = promotion_config(["promotion.beats_baseline=false", "promotion.no_leak=false"])
    promote(
        Candidate("tiny", RegisteredVersion("tiny", "1"), make(0.5)),
        PromotionRequest(uri, config, "champion"),
    )
    assert [move.why for move in history_of(uri, "tiny")] == ["promoted (switched off: beats_baseline, no_leak)"]


def test_the_history_names_the_test_that_was_not_made_and_what_was_not_known(
    uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(promote_module, "keep_report", lambda *_: None)
    for number, known, overrides in (
        ("1", {}, ["promotion.confidence=null", "promotion.beats_baseline=false"]),
        ("2", {"leaks": None}, ["promotion=strict", "promotion.allow_unknown=true", "promotion.human_review=false"]),
    ):
        candidate = Candidate("tiny", RegisteredVersion("tiny", number), make(0.5, **known))
        promote(candidate, PromotionRequest(uri, promotion_config(overrides), f"alias-{number}"))
    assert [move.why for move in history_of(uri, "tiny")] == [
        "promoted (switched off: confidence, beats_baseline)",
        "promoted (not known: no_leak)",
    ]


def test_a_challenger_is_compared_again_by_the_same_rules_on_other_rows() -> None:
    given = ["mood", "--name", "mood", "--data", "rows.jsonl", "--label-column", "the label"]
    options = command.command_parser().parse_intermixed_args([*given, "promotion.beats_baseline=false"])
    candidate = Candidate("mood", RegisteredVersion("mood", "2"), make(0.5))
    decision = GateDecision(GateVerdict.challenger, [], None, "not better")
    with pytest.raises(NotPromoted) as told:
        command._ended(Promotion(decision, "challenger", None, {}), candidate, options)
    command_line = str(told.value).partition("with: ")[2]
    assert shlex.split(command_line)[2:] == [
        "models:/mood@challenger",
        *("--data", "more.jsonl", "--label-column", "the label", "promotion.beats_baseline=false"),
    ]


def test_a_champion_without_files_is_told_as_such(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whose files are gone: not those of the one that has just been registered."""
    client_of(uri).set_registered_model_alias("tiny", "champion", "1")

    def gone(*_: Any, **__: Any) -> None:
        raise FilesGone("the files of models:/tiny/1 are gone; register the model again")

    monkeypatch.setattr(promote_module, "fetch_model", gone)
    monkeypatch.setattr(promote_module, "keep_report", lambda *_: None)
    candidate = Candidate("tiny", RegisteredVersion("tiny", "2"), make(0.5))
    done = promote(candidate, PromotionRequest(uri, promotion_config(), "champion"))
    assert (done.alias, done.before) == ("champion", "1")
    assert done.report["reason"] == "the champion's files, of version 1, are gone; it was compared with nobody"
