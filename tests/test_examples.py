"""The examples run as their pages say."""

import csv
import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_module
from safetensors import safe_open

from slimtune.sweeper.checks import problems_of
from slimtune.sweeper.config_file import with_config_file
from slimtune.sweeper.config_values import plain
from tests.forked import run_slimtune

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "examples/custom/README.md").read_text()
# what `predict` is to do without, the class of the task among them
HEAVY = ("torch", "transformers", "examples")


def command_on_page(begin: str, end: str) -> list[str]:
    """The words of a command of the page, without `slimtune`."""
    at = PAGE.index(begin)
    text = PAGE[at : PAGE.index(end, at) + len(end)].replace("\\\n", " ")
    return shlex.split(text)[1:]


def run(*words: str) -> str:
    done = run_slimtune(words, folder=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def stores(folder: Path) -> list[str]:
    tracking = f"tracking.uri=sqlite:///{folder / 'mlflow.db'}"
    return [f"hydra.sweep.dir={folder / 'out'}", tracking, f"search.storage=sqlite:///{folder / 'study.db'}"]


@pytest.mark.slow
def test_parts_of_ones_own_need_no_change_of_the_project(tmp_path: Path) -> None:
    """Reader, loss and business metric by dotted path, in the very command of the example's page."""
    run(*command_on_page("slimtune sweep", "export=none"), *stores(tmp_path), "fit.epochs=1")
    trials = json.loads(run("compare", "survey", "--json", "--storage", f"sqlite:///{tmp_path / 'study.db'}"))
    assert trials[0]["state"] == "complete"
    assert 0 <= trials[0]["objective"] < 1


@pytest.fixture(scope="module")
def stars(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a sweep of the whole task, by the page's command with less to train and to try."""
    folder = tmp_path_factory.mktemp("stars")
    command = command_on_page("slimtune sweep data=file", "export.max_metric_drop=0.1")
    less = ("fit.epochs=2", "search.n_trials=1", "export.variants=[fp16]", "tracking=none")
    run(*command, *(word for word in stores(folder) if not word.startswith("tracking")), *less)
    return folder / "out"


@pytest.mark.slow
def test_a_whole_task_is_exported_and_predicts_numbers_without_pytorch_or_its_class(stars: Path) -> None:
    """Each line is a number and its text, as the graph of the task's `logits` gives it."""
    words = ["predict", "--model", str(stars / "export/bundle"), "--text", "Broke at once.", "--text", "I love it."]
    code = f"""
import sys
from slimtune.sweeper.cli import main
assert main({words!r}) == 0
found = set({HEAVY!r}) & sys.modules.keys()
assert not found, found
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=stars, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    assert [text for _, text in lines] == ["Broke at once.", "I love it."]
    assert all(-5 < float(number) < 15 for number, _ in lines)


@pytest.mark.slow
def test_a_whole_task_is_verified_beside_pytorch(stars: Path) -> None:
    """fp32 gives the same numbers, and the bundle says that it answers with numbers."""
    reports = {one["name"]: one for one in json.loads((stars / "export/verification.json").read_text())}
    assert reports["fp32"]["agreement"] == 1.0
    assert reports["fp32"]["max_logit_gap"] < 1e-3
    manifest = json.loads((stars / "export/bundle/manifest.json").read_text())
    assert (manifest["kind"], manifest["metric"]) == ("numbers", "mean_absolute_error")


@pytest.mark.slow
def test_a_whole_task_is_evaluated_part_by_part(stars: Path) -> None:
    """The checkpoint and its bundle give the same scores, and the details that the task adds."""
    data = str(ROOT / "examples/custom/stars.csv")

    def scored(model: Path) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(
            run("evaluate", "--model", str(model), "--data", data, "--json", "--no-log", "--trust")
        )
        return found

    bundle, checkpoint = scored(stars / "export/bundle"), scored(stars / "trials/0")
    assert bundle["mean_absolute_error"] == pytest.approx(checkpoint["mean_absolute_error"], abs=0.02)
    with open(data, newline="") as file:
        num_rows = len(list(csv.DictReader(file)))
    assert sum(part["support"] for part in bundle["per_label"]) == num_rows == bundle["num_rows"]
    assert all(part["mean_absolute_error"] >= 0 for part in bundle["per_label"])


@pytest.mark.slow
def test_pairs_of_ones_own_are_learned_from_one_config_file(tmp_path: Path) -> None:
    """By the page's command over the small model that its script makes; adapters, norm and output matrix are kept."""
    page = ROOT / "examples/own_pairs"
    script(page / "small_gpt2.py", tmp_path / "small")
    less = ["fit.epochs=1", "tracking=none", f"hydra.run.dir={tmp_path / 'run'}"]
    run("train", "--config", str(page / "my.yaml"), f"model.name_or_path={tmp_path / 'small'}", *less)
    (adapter,) = tmp_path.glob("run/checkpoint-*/adapter_model.safetensors")
    with safe_open(adapter, "np") as tensors:
        names = set(tensors.keys())
    whole = {name for name in names if "lora" not in name}
    assert {name.rpartition("model.")[2] for name in whole} == {
        "lm_head.weight",
        "transformer.ln_f.bias",
        "transformer.ln_f.weight",
    }
    assert any("c_attn.lora_A" in name for name in names)
    assert any("mlp.c_proj.lora_B" in name for name in names)


CONFIGS = sorted((ROOT / "examples").glob("*/*.yaml"))
# of the space alone, which a config names
SEARCHES = "hyperparameter-search.yaml"


@pytest.mark.parametrize(
    "path", [path for path in CONFIGS if path.name != SEARCHES], ids=lambda path: f"{path.parent.name}/{path.stem}"
)
@pytest.mark.usefixtures("config_store_as_before")
def test_each_config_of_the_examples_composes(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the project's folder, with the names of hub models that it has."""
    monkeypatch.chdir(ROOT)
    with initialize_config_module("slimtune.conf", version_base="1.3"):
        values = plain(compose("config", with_config_file(["--config", str(path.relative_to(ROOT))])))
    assert problems_of(values) == []


def test_each_example_is_listed() -> None:
    """In the table of the examples, and in the documentation's."""
    table, navigation = (ROOT / "examples/README.md").read_text(), (ROOT / "mkdocs.yml").read_text()
    for page in (ROOT / "examples").glob("*/README.md"):
        assert f"({page.parent.name}/README.md)" in table, page
        assert f"examples/{page.parent.name}/README.md" in navigation, page


@pytest.fixture(scope="module")
def small_llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model of the pages, by their script."""
    folder = tmp_path_factory.mktemp("bases") / "small-llama"
    rows = ("qlora_on_code/code.jsonl", "own_pairs/pairs.json")
    script(ROOT / "examples/small_llama.py", folder, *(ROOT / "examples" / name for name in rows))
    return folder


def script(path: Path, *words: object) -> str:
    """What a script of an example prints."""
    command = [sys.executable, str(path), *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return done.stdout


def train(example: str, folder: Path, *more: str) -> Path:
    """The folder of a training by an example's config, of few steps."""
    run("train", "--config", f"examples/{example}.yaml", f"hydra.run.dir={folder}", "tracking=none", *more)
    return folder


@pytest.mark.slow
def test_rows_of_one_file_train_and_validate_in_four_bits(small_llama: Path, tmp_path: Path) -> None:
    found = train("qlora_on_code/my", tmp_path, f"model.name_or_path={small_llama}", "fit.max_steps=1")
    (record,) = found.glob("checkpoint-*/slimtune.json")
    assert json.loads(record.read_text())["examples_seen"] == 16
    assert list(found.glob("checkpoint-*/adapter_model.safetensors"))


@pytest.mark.slow
def test_two_adapters_answer_over_one_base(small_llama: Path, tmp_path: Path) -> None:
    """By the page's script, which has neither slimtune nor PyTorch."""
    pytest.importorskip("onnxruntime_genai")
    small = (f"model.name_or_path={small_llama}", "fit.max_steps=1", "fit.learning_rate=1e-2")
    code, library = (train(f"two_adapters/{name}", tmp_path / name, *small) for name in ("code", "library"))
    served = tmp_path / "served"
    named = f"code={code},library={library}"
    run("adapters", "--base", str(small_llama), "--adapters", named, "--output", str(served), "--genai")
    answers = script(ROOT / "examples/two_adapters/ask.py", served).splitlines()
    assert [line.split("\t")[0] for line in answers] == ["code", "library", "code"]


@pytest.mark.slow
def test_a_chat_is_exported_for_the_cpu_and_asked(tmp_path: Path, small_llama: Path) -> None:
    pytest.importorskip("onnxruntime_genai")
    small = (f"model.name_or_path={small_llama}", "fit.max_steps=1", "fit.eval_steps=1", "task.eval_rows=2")
    found = train("tone_chat/my", tmp_path / "trained", *small, "data.near_duplicates=false", "data.validation_rows=8")
    words = ("export.variants=[]", "export.genai=[fp32]")
    run("export", "--run", str(found), "--out", str(tmp_path / "exported"), *words)
    answers = script(ROOT / "examples/tone_chat/ask.py", tmp_path / "exported/genai/fp32", "What a day.", "Why me?")
    assert [line.split("\t")[1] for line in answers.splitlines()] == ["What a day.", "Why me?"]


@pytest.mark.slow
def test_a_long_run_keeps_checkpoints_that_transformers_alone_scores(tmp_path: Path) -> None:
    less = ("fit.max_steps=2", "fit.eval_steps=1", "fit.save_steps=2", "data.near_duplicates=false")
    found = train("long_run/my", tmp_path, *less, "data.baselines=false", "data.validation_rows=32")
    kept = found / "steps/checkpoint-2"
    told = script(ROOT / "examples/long_run/evaluate.py", kept, ROOT / "examples/long_run/phrases.jsonl")
    rows = "examples/long_run/phrases.jsonl"
    words = ("--model", str(kept), "--data", rows, "--json", "--no-log")
    assert told.startswith(f"accuracy {json.loads(run('evaluate', *words))['accuracy']:.4f} of 24 rows")
    assert list(found.rglob("events.out.tfevents.*"))
