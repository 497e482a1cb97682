"""`slimtune register`, `promote`, `rollback` and `history`, from a bundle's folder to the registry."""

import json
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from slimtune.export.bundle.bundle import Bundle, write_manifest
from slimtune.export.pipeline import ExportResult
from slimtune.export.promotion import promote as promotion_module
from slimtune.export.registry.aliases import set_alias
from slimtune.export.registry.mlflow_registry import RegisteredVersion, alias_version, fetch_folder
from slimtune.sweeper.cli import main
from slimtune.training.tracking.mlflow_runs import client_of
from tests.conftest import make_rows, write_jsonl

pytestmark = pytest.mark.slow
KNOWN: Mapping[str, Any] = {
    "baselines": {"majority": {"accuracy": 0.1}},
    "leaks": {"exact": 0, "near": 0, "removed": True},
}
Copy = Callable[..., Path]


@pytest.fixture
def uri(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    return f"sqlite:///{tmp_path / 'mlruns' / 'mlflow.db'}"


@pytest.fixture
def copy(exported: ExportResult, tmp_path: Path) -> Copy:
    """A bundle of a name of its own; its labels may be in another order, so that all its answers are other ones."""
    assert exported.bundle is not None
    bundle = exported.bundle

    def make(name: str, *, is_bad: bool = False, **known: Any) -> Path:
        folder = tmp_path / name
        shutil.copytree(bundle.folder, folder)
        manifest = bundle.manifest
        if is_bad:
            labels = [*manifest.interface.labels[1:], manifest.interface.labels[0]]
            manifest = replace(manifest, interface=replace(manifest.interface, labels=labels))
        own = replace(manifest.provenance, sweep=name, **{**KNOWN, **known})
        (folder / "README.md").write_text(f"the card of {name}")
        files = {**manifest.files, "README.md": _sha256(folder / "README.md")}
        write_manifest(folder, replace(manifest, provenance=own, files=files).as_dict())
        return folder

    return make


def _sha256(path: Path) -> str:
    from slimtune.export.bundle.bundle import sha256

    return sha256(path)


@pytest.fixture
def rows(tmp_path: Path) -> str:
    return str(write_jsonl(tmp_path / "rows.jsonl", make_rows(30, seed=7)))


def promoted(source: Path | str, *more: str) -> int:
    named = [] if str(source).startswith("models:/") else ["--name", "tiny"]
    return main(["promote", str(source), *named, *more])


def test_from_a_bundle_to_a_champion(
    uri: str, copy: Copy, rows: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first one passes the gate, and a better one takes its place; what the gate said is kept."""
    bad, good = copy("bad", is_bad=True), copy("good")
    assert main(["register", str(bad), "--name", "tiny"]) == 0
    assert capsys.readouterr().out == "models:/tiny/1 is registered\n"
    assert promoted(bad) == 0
    told = capsys.readouterr().out
    assert "models:/tiny/1 is now champion of tiny: there was no champion" in told
    quiet, store = "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR=false", "MLFLOW_TRACKING_URI=sqlite:///mlruns/mlflow.db"
    assert f"serve it          {quiet} {store} mlflow models serve" in told
    assert told.endswith("""-d '{"dataframe_records": [{"text": "..."}]}'\n""")
    assert promoted("models:/tiny/1") == 0
    assert "is champion of tiny already" in capsys.readouterr().out
    assert promoted(good, "--data", rows, "--dry-run") == 0
    assert "would be champion" in capsys.readouterr().out
    assert len(client_of(uri).search_model_versions("name = 'tiny'")) == 1, "a dry run registers nothing"
    assert promoted(good, "--data", rows, "--report", "gate.json", "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert json.loads((tmp_path / "gate.json").read_text()) == report
    assert (report["verdict"], report["champion"], report["comparison"]["is_better"]) == ("promoted", "1", True)
    version = client_of(uri).get_model_version("tiny", "2")
    assert version.tags["gate"] == "promoted"
    assert float(version.tags["gain_low"]) > 0
    assert version.description.count("## Gate") == 1
    assert {item.path for item in client_of(uri).list_artifacts(version.run_id)} >= {"gate_report.json"}


def test_a_rollback_gives_the_alias_back_and_the_history_tells_all(
    uri: str, copy: Copy, rows: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, is_bad in (("bad", True), ("good", False)):
        assert promoted(copy(name, is_bad=is_bad), "--data", rows) == 0
    assert promoted("models:/tiny/1", "--data", rows) == 3
    assert "worse" in capsys.readouterr().err
    assert main(["rollback", "tiny", "--dry-run"]) == 0
    assert alias_version(uri, "tiny", "champion") == "2"
    assert main(["rollback", "tiny"]) == 0
    assert capsys.readouterr().out.splitlines()[-3:] == [
        "models:/tiny/1 is now champion of tiny again (was version 2)",
        "and forward again: slimtune promote models:/tiny/2 promotion.min_gain=null",
        "a server that runs keeps version 2 until it is started again",
    ]
    assert main(["rollback", "tiny"]) == 3
    forward = "; forward again: slimtune promote models:/tiny/2 promotion.min_gain=null\n"
    assert capsys.readouterr().err.endswith(forward)
    assert main(["history", "tiny", "--json"]) == 0
    history = json.loads(capsys.readouterr().out)
    assert [(one["version"], one["before"], one["why"]) for one in history] == [
        ("1", None, "promoted"),
        ("2", "1", "promoted"),
        ("1", "2", "rolled back"),
    ]
    assert main(["history", "models:/tiny@challenger"]) == 0
    assert "no alias of tiny was ever moved" in capsys.readouterr().out
    assert main(["history", "models:/tiny/1"]) == 0
    assert capsys.readouterr().out.splitlines()[0].split() == ["at", "(UTC)", "alias", "version", "before", "why"]
    assert promoted("models:/tiny/2", "promotion.min_gain=null") == 0, "the command that the rollback has printed"
    told = capsys.readouterr().out
    assert "models:/tiny/2 is now champion of tiny (was version 1)" in told
    assert "a server that runs keeps version 1 until it is started again" in told


def test_the_printed_command_goes_forward_whatever_rules_were_switched_off(
    uri: str, copy: Copy, capsys: pytest.CaptureFixture[str]
) -> None:
    """After a rollback, and after one that finds nobody."""
    assert promoted(copy("usual")) == 0
    weak = copy("weak", baselines={"majority": {"accuracy": 1.0}}, leaks={"exact": 0, "near": 4, "removed": False})
    off = ["promotion.beats_baseline=false", "promotion.no_leak=false"]
    assert promoted(weak, "promotion.min_gain=null", "promotion.confidence=null", *off) == 0
    for is_second in (False, True):
        assert main(["rollback", "tiny"]) == 0
        told = capsys.readouterr().out
        if is_second:
            assert main(["rollback", "tiny"]) == 3
            told = capsys.readouterr().err
        assert alias_version(uri, "tiny", "champion") == "1"
        (command,) = [line.partition("forward again: ")[2] for line in told.splitlines() if "forward" in line]
        words = shlex.split(command)
        assert words == ["slimtune", "promote", "models:/tiny/2", "promotion.min_gain=null", *off]
        assert main(words[1:]) == 0
        assert alias_version(uri, "tiny", "champion") == "2"


def test_a_challenger_that_is_shown_to_be_worse_is_challenger_no_more(
    uri: str, copy: Copy, rows: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Who merely is not shown to be better stays so."""
    assert promoted(copy("good")) == 0
    few = str(write_jsonl(Path("few.jsonl"), make_rows(3, seed=7)))
    assert promoted(copy("bad", is_bad=True), "--data", few) == 3
    assert "; it is now challenger; compare it again" in capsys.readouterr().err
    assert promoted("models:/tiny@challenger", "--data", few) == 3
    assert "; it stays challenger; compare it again" in capsys.readouterr().err
    assert alias_version(uri, "tiny", "challenger") == "2"
    assert promoted("models:/tiny@challenger", "--data", rows, "--dry-run") == 3
    assert "; it would be challenger no more" in capsys.readouterr().err
    assert alias_version(uri, "tiny", "challenger") == "2"
    assert promoted("models:/tiny@challenger", "--data", rows) == 3
    assert "worse" in (told := capsys.readouterr().err)
    assert told.endswith("; it is challenger no more\n")
    assert alias_version(uri, "tiny", "challenger") is None
    assert main(["history", "tiny", "--alias", "challenger"]) == 0
    last = capsys.readouterr().out.splitlines()[-1].split()
    assert last[-7:] == ["challenger", "-", "2", "shown", "to", "be", "worse"]
    assert promoted("models:/tiny/2", "--data", rows) == 3
    assert alias_version(uri, "tiny", "challenger") is None, "it does not get it by being worse"


def test_what_is_not_shown_to_be_better_is_kept_as_challenger_and_compared_again(
    uri: str, copy: Copy, rows: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert promoted(copy("bad", is_bad=True)) == 0
    good = copy("good")
    few = str(write_jsonl(Path("few.jsonl"), make_rows(3, seed=7)))
    assert promoted(good, "--data", few) == 3
    assert (
        "it is now challenger; compare it again, on more rows, with: slimtune promote models:/tiny@challenger --data"
        in (capsys.readouterr().err)
    )
    assert alias_version(uri, "tiny", "challenger") == "2"
    assert promoted(copy("another"), "--data", few) == 3
    assert "it is now challenger (was version 2); compare it again" in capsys.readouterr().err
    assert promoted("models:/tiny/2", "--data", few, "--dry-run") == 3
    assert "it would be challenger (was version 3)" in capsys.readouterr().err
    assert promoted("models:/tiny/2", "--data", few) == 3
    assert "it is now challenger (was version 3)" in capsys.readouterr().err
    assert promoted("models:/tiny/2", "--data", few) == 3
    assert "it stays challenger; compare it again" in capsys.readouterr().err
    assert promoted("models:/tiny@challenger", "--data", rows) == 0
    assert alias_version(uri, "tiny", "champion") == "2"
    assert alias_version(uri, "tiny", "challenger") is None, "who wins is no challenger any more"


def test_a_refusal_moves_nothing_and_is_kept(uri: str, copy: Copy, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 3 and the reason; a wrong config is exit code 2."""
    leaky = copy("leaky", leaks={"exact": 0, "near": 4, "removed": False})
    assert promoted(leaky) == 3
    assert "4 training rows are nearly a held-out row" in capsys.readouterr().err
    assert alias_version(uri, "tiny", "champion") is None
    assert client_of(uri).get_model_version("tiny", "1").tags["gate"] == "refused"
    assert promoted(leaky, "promotion.no_leak=maybe") == 2
    assert promoted(leaky, "promotion=strict", "promotion.no_leak=false") == 3
    assert "nobody has looked at it" in capsys.readouterr().err
    assert promoted(leaky, "promotion=strict", "promotion.no_leak=false", "--reviewed-by", "Ann") == 0


def test_a_rollback_passes_over_versions_whose_files_are_gone(
    uri: str, copy: Copy, rows: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("one", "two", "three"):
        assert promoted(copy(name), "promotion.min_gain=null") == 0
    shutil.rmtree(fetch_folder(uri, "models:/tiny/2"))
    capsys.readouterr()
    assert main(["rollback", "tiny"]) == 0
    told = capsys.readouterr()
    assert "models:/tiny/1 is now champion" in told.out
    assert "passed over" in told.err


PROMOTE = """
import sys
from slimtune.sweeper.cli import main
sys.stdin.readline()
sys.exit(main(sys.argv[1:]))
"""


def test_two_promotions_at_once_cannot_both_win(uri: str, copy: Copy, rows: str) -> None:
    """Both are better than the champion, and none is better than the other: the second one is compared with the first
    one that won.
    """
    assert promoted(copy("bad", is_bad=True)) == 0
    for name in ("left", "right"):
        assert main(["register", str(copy(name)), "--name", "tiny"]) == 0
    running = [
        subprocess.Popen(
            [sys.executable, "-c", PROMOTE, "promote", f"models:/tiny/{version}", "--data", rows],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for version in ("2", "3")
    ]
    for process in running:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    ended = [(*process.communicate(), process.returncode) for process in running]
    assert sorted(code for *_, code in ended) == [0, 3], ended
    history = json.loads(client_of(uri).get_registered_model("tiny").tags["alias_history"])
    assert [one["alias"] for one in history] == ["champion", "champion", "challenger"]
    assert history[1]["before"] == "1"


def test_a_champion_that_changed_meanwhile_is_compared_with(
    uri: str, copy: Copy, rows: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The alias is moved only if it is still with the one that was compared with."""
    assert promoted(copy("bad", is_bad=True)) == 0
    for name in ("left", "right"):
        assert main(["register", str(copy(name)), "--name", "tiny"]) == 0
    compared, decided = [], promotion_module.decide

    def meanwhile(challenger: Any, against: Any, *rest: Any, **more: Any) -> Any:
        found = decided(challenger, against, *rest, **more)
        compared.append(against.champion.manifest.provenance.sweep)
        set_alias(uri, RegisteredVersion("tiny", "2"), "champion")
        return found

    monkeypatch.setattr(promotion_module, "decide", meanwhile)
    assert promoted("models:/tiny/3", "--data", rows) == 3
    assert compared == ["bad", "left"]
    assert alias_version(uri, "tiny", "champion") == "2"


def test_what_is_given_must_lead_to_one_version(
    uri: str, copy: Copy, exported: ExportResult, capsys: pytest.CaptureFixture[str]
) -> None:
    """A run is that of a version, or that its checkpoint was trained in; a folder needs a name."""
    assert promoted(copy("one")) == 0
    bundle: Bundle = exported.bundle  # type: ignore[assignment]
    assert bundle.manifest.provenance.source_run == "abc"
    version = client_of(uri).get_model_version("tiny", "1")
    assert main(["promote", str(version.run_id)]) == 0
    assert main(["promote", "one"]) == 0, "its only name is known"
    assert main(["register", "one", "--name", "again"]) == 0
    for words, told in (
        (["promote", str(bundle.folder)], "is not registered: give --name"),
        (["promote", "one"], "one is a version of again, tiny: give --name"),
        (["promote", str(bundle.folder), "--name", "a/b"], "--name is 'a/b'; use a name"),
        (["promote", "models:/tiny/1", "--name", "other"], "is a version of 'tiny'; leave --name out"),
        (["promote", "0" * 32], "has no registered version"),
        (["history", "nosuch"], "there is no registered model 'nosuch'"),
    ):
        assert main(words) == 2
        assert told in capsys.readouterr().err
