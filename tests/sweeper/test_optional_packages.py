"""What a machine without an optional package says: each command in a process in which importing it fails."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

RUN = """
import sys
sys.modules.update(dict.fromkeys({absent!r}))  # importing one of them fails
from slimtune.sweeper.cli import main
ending = main()
if {counts}:
    print("imported", *sorted(name for name, module in sys.modules.items() if module is not None))
sys.exit(ending)
"""
ONNX = ("onnx", "onnxruntime", "onnxscript")
MINIMAL = (*ONNX, "bitsandbytes", "datasets", "evaluate", "onnxruntime_genai", "rouge_score", "sacrebleu")

NO_ROWS = "data.train_file=absent.jsonl"


def slimtune(
    *arguments: str, absent: Sequence[str] = (), folder: Path, check: int, counts: bool = False
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", RUN.format(absent=tuple(absent), counts=counts), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    assert done.returncode == check, done.stderr
    return done


@pytest.mark.parametrize(
    ("override", "needs", "extra"),
    [
        ("method=qlora", "model.quantization=nf4 needs bitsandbytes", "qlora"),
        ("fit.optimizer=paged_adamw", "fit.optimizer=paged_adamw needs bitsandbytes", "qlora"),
        ("export=onnx", "export=onnx needs onnxruntime", "export"),
        ("task.metrics=[accuracy,'hub:sari']", "task.metrics=hub:sari needs evaluate", "hub"),
        ("data.train_file='hub:org/tones@train'", "data=hub needs datasets", "hub"),
    ],
)
def test_a_config_is_answered_with_the_command_that_installs_what_it_needs(
    override: str, needs: str, extra: str, overrides: list[str], tmp_path: Path
) -> None:
    """Without a traceback, and, where there are no rows to look at, before anything heavy is imported."""
    sentence = f"{needs}, which is not installed; pip install 'slimtune[{extra}]'"
    done = slimtune("train", *overrides, NO_ROWS, override, absent=[needs.split()[-1]], folder=tmp_path, check=2)
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_text_metric_and_a_folder_of_another_runtime_name_their_extras(overrides: list[str], tmp_path: Path) -> None:
    more = ["task=summarization", "export=onnx", "export.genai=[int4]"]
    absent = ["rouge_score", "onnxruntime_genai"]
    said = slimtune("train", *overrides, NO_ROWS, *more, absent=absent, folder=tmp_path, check=2).stderr
    assert "task.metrics=rouge needs rouge-score, which is not installed; pip install 'slimtune[text-metrics]'" in said
    assert "export.genai=int4 needs onnxruntime-genai, which is not installed; pip install 'slimtune[genai]'" in said


@pytest.mark.parametrize("command", ["predict", "export", "adapters"])
def test_a_command_without_its_runtime_names_the_extra(command: str, tmp_path: Path) -> None:
    """Before its arguments are looked at, but never instead of its help."""
    needs = f"slimtune {command} needs onnxruntime, which is not installed; pip install 'slimtune[export]'"
    assert slimtune(command, absent=["onnxruntime"], folder=tmp_path, check=2).stderr == f"slimtune: {needs}\n"
    assert "usage:" in slimtune(command, "--help", absent=["onnxruntime"], folder=tmp_path, check=0).stdout


def test_a_plain_install_trains(overrides: list[str], tmp_path: Path) -> None:
    """LoRA takes none of the optional packages, nor does a search's single trial."""
    done = slimtune("train", *overrides, "fit.epochs=1", absent=MINIMAL, folder=tmp_path, check=0)
    assert "best: objective" in done.stdout


def test_a_plain_trial_imports_only_what_it_uses(overrides: list[str], tmp_path: Path) -> None:
    """Seconds before the first step: each of these took one, for a trial that makes no use of it."""
    done = slimtune("train", *overrides, "fit.epochs=1", folder=tmp_path, check=0, counts=True)
    imported = set(done.stdout.splitlines()[-1].split())
    unused = {"bitsandbytes", "datasets", "evaluate", "mlflow", "onnx", "onnxruntime", "optuna", "pyarrow.parquet"}
    assert imported & {*unused, "torch._inductor.compile_fx", "transformers.pipelines"} == set()


def test_every_package_that_an_extra_brings_is_in_it() -> None:
    """The sentence's command would install it."""
    import tomllib

    from slimtune.training.extras import EXTRAS

    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    for package, extra in EXTRAS.items():
        assert any(one.startswith(package.replace("_", "-")) for one in extras[extra]), package
        assert f"slimtune[{extra}]" in " ".join(extras["all"])
        assert not any(one.startswith(f"{package.replace('_', '-')}>") for one in project["dependencies"]), package
