"""`slimtune check` tells every problem at once, before the first trial, and leaves nothing behind."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from slimtune.export.config import NoExport, onnx_config
from slimtune.export.preflight import TRACED, export_checks
from slimtune.sweeper.campaigns.places import Places, check_room, needed_bytes, place_checks
from slimtune.sweeper.cli import main
from slimtune.training.config.trial import parse_trial
from slimtune.training.errors import ConfigError, DataError, Problems, StoreError, UserError, check_all
from slimtune.training.workbench.prepared_data import prepare_data
from slimtune.training.writable_folder import check_writable
from tests.cases.small_models import LLAMA, TURNS, chats, rows_in, save_model, words

Compose = Callable[..., dict[str, Any]]


def test_what_fits_is_said_and_nothing_is_left(
    overrides: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = {path for path in tmp_path.rglob("*") if "cache" not in path.parts}
    assert main(["check", *overrides, "method.r=4,8", "tracking=mlflow", "export=onnx"]) == 0
    assert "nothing was trained" in capsys.readouterr().out
    assert {path for path in tmp_path.rglob("*") if "cache" not in path.parts} == before


def test_a_search_whose_winner_is_not_registered_says_so(
    overrides: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """But of a single trial nothing would be registered anyway."""
    assert main(["check", *overrides, "method.r=4,8", "tracking=none", "export=onnx"]) == 0
    assert "note: not registered: tracking=none" in capsys.readouterr().out
    assert main(["check", *overrides, "space=none", "tracking=none", "export=onnx"]) == 0
    assert "not registered" not in capsys.readouterr().out


def test_problems_of_model_rows_and_folders_are_told_at_once(
    overrides: list[str], tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, in_the_way = tmp_path / "renamed", tmp_path / "mlruns"
    shutil.copytree(tiny_model, model)
    (model / "tokenizer.json").write_text("{")
    in_the_way.write_text("")
    asked = ["data.label_column=tone", f"tracking.uri=sqlite:///{in_the_way}/m.db", "tracking=mlflow"]
    assert main(["check", *overrides, *asked, f"model.name_or_path={model}"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("slimtune: 3 problems, found before the first trial:")
    assert all(word in said for word in ("tone", "renamed", "mlruns is a file"))


@pytest.mark.parametrize(
    ("given", "value", "told"),
    [
        (("method=full", "method.trained_layers=1,9"), "method.trained_layers=9", "trained_layers is 9; the model has"),
        (("method=lora,full", "method.trained_layers=1,9"), "method=full method.trained_layers=9", "the model has"),
        (("method=prompt_tuning", "method.num_virtual_tokens=2,80"), "method.num_virtual_tokens=80", "positions"),
    ],
)
def test_what_is_refused_alone_is_refused_as_one_of_the_values(
    overrides: list[str], capsys: pytest.CaptureFixture[str], given: tuple[str, ...], value: str, told: str
) -> None:
    plain = [line for line in overrides if not line.startswith("method.")]
    assert main(["check", *plain, "space=none", *given]) == 2
    said = capsys.readouterr().err
    assert f"{value}: " in said
    assert told in said


def test_a_sweep_is_refused_as_its_check_is(
    overrides: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And leaves as little behind."""
    monkeypatch.chdir(tmp_path)
    rows = rows_in(tmp_path, [{"text": words(90, seed=row), "label": "ab"[row % 2]} for row in range(40)])
    before, said = {*tmp_path.iterdir(), tmp_path / "cache"}, []
    for command in ("check", "sweep", "train"):
        searched = [] if command == "train" else ["method.r=4,8"]
        assert main([command, *overrides, rows, *searched, "data.max_length=65"]) == 2
        said.append(capsys.readouterr().err)
    assert said[0] == said[1] == said[2]
    assert {*tmp_path.iterdir()} <= before


def test_one_error_keeps_its_kind_and_several_are_one_list() -> None:
    def fail(error: UserError) -> Callable[[], None]:
        def check() -> None:
            raise error

        return check

    with pytest.raises(DataError, match=r"^rows$"):
        check_all([lambda: None, fail(DataError("rows"))])
    with pytest.raises(Problems) as found:
        check_all([fail(DataError("rows")), fail(ConfigError(["one", "two"])), fail(DataError("rows"))])
    assert found.value.problems == ("rows", "one", "two")


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    check_writable(tmp_path / "new" / "folder", "data.cache_dir")
    assert not (tmp_path / "new").exists()
    with pytest.raises(StoreError, match=r"data.cache_dir is .*file is a file"):
        check_writable(tmp_path / "file" / "folder", "data.cache_dir")


def test_a_disk_without_room_is_told(config_of: Compose, tmp_path: Path) -> None:
    config = parse_trial(config_of("method=full")).section
    data = prepare_data(config)
    plain, exported = (
        needed_bytes(data.model, config, export, 10) for export in (NoExport(name="none"), onnx_config())
    )
    assert exported > plain > 10 * 4 * sum(one.numel() for one in data.model.parameters())
    check_room(Places(tmp_path / "new", 10), plain)
    with pytest.raises(StoreError, match="GB free, and 10 checkpoints"):
        check_room(Places(tmp_path / "new", 10), 1e18)


def test_an_architecture_that_the_exporter_does_not_know_is_tried_without_weights(
    config_of: Compose, tmp_path: Path
) -> None:
    sizes = {**LLAMA, "num_key_value_heads": 2, "head_dim": 8}
    model = save_model(tmp_path / "other", "olmo2", chat_template=TURNS, **sizes)
    assert "olmo2" not in TRACED
    given = ("task=generation", "method=full", "data.target_column=target", rows_in(tmp_path, chats(30, length=5)))
    data = prepare_data(parse_trial(config_of(*given, f"model.name_or_path={model}", "data.max_length=64")).section)
    check_all(export_checks(data, onnx_config()))


def test_an_architecture_without_keys_and_values_is_refused_at_once(config_of: Compose, tmp_path: Path) -> None:
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "state_size": 4, "intermediate_size": 64, "time_step_rank": 4}
    model = save_model(tmp_path / "mamba", "mamba", chat_template=TURNS, **sizes)
    given = ("task=generation", "method=full", "data.target_column=target", rows_in(tmp_path, chats(30, length=5)))
    data = prepare_data(parse_trial(config_of(*given, f"model.name_or_path={model}", "data.max_length=64")).section)
    with pytest.raises(UserError, match=r"mamba.*use export=none"):
        check_all(export_checks(data, onnx_config()))


def test_each_model_and_length_of_a_search_is_tried(
    overrides: list[str], tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    renamed = tmp_path / "renamed"
    shutil.copytree(tiny_model, renamed)
    (renamed / "model.safetensors").unlink()
    rows = rows_in(tmp_path, [{"text": words(90, seed=row), "label": "ab"[row % 2]} for row in range(40)])
    models = f"model.name_or_path={tiny_model},{renamed}"
    given = [*overrides, rows, models, "data.max_length=32,65", "method=lora,full"]
    assert main(["check", *given]) == 2
    said = capsys.readouterr().err
    assert f"model.name_or_path={renamed}: " in said
    assert "data.max_length=65: data.max_length is 65, more than the model's 64 positions" in said
    assert f"model.name_or_path={tiny_model}: " not in said


def test_a_storage_that_cannot_be_used_is_told(overrides: list[str], tmp_path: Path, config_of: Compose) -> None:
    (tmp_path / "file").write_text("")
    config = parse_trial(config_of()).section
    sound = f"sqlite:///{tmp_path}/new/study.db"
    check_all(place_checks(Places(tmp_path, 1, sound), config))
    assert not (tmp_path / "new").exists()
    for storage, told in (
        ("nonsense", "search.storage is 'nonsense'"),
        (f"sqlite:///{tmp_path}/file/x.db", "is a file"),
    ):
        with pytest.raises(StoreError, match=told):
            check_all(place_checks(Places(tmp_path, 1, storage), config))
