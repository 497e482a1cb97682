"""Commands where slimtune is installed to predict alone, as docs/install.md has it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from slimtune.training.installation.plain_install import INDEX_NAMES, required_packages

# what docs/install.md installs by name, and what these bring
THERE = {"numpy", "tokenizers", "jinja2", "omegaconf", "pyyaml", "packaging", "filelock", "huggingface-hub"}
MODULES = {distribution: module for module, distribution in INDEX_NAMES.items()}
ABSENT = [MODULES.get(name, name.replace("-", "_")) for name in required_packages() if name not in THERE]
HIDING = f"""
import sys
sys.modules.update(dict.fromkeys({ABSENT}))
"""


def run_without(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """A command in a process that finds none of them."""
    code = f"{HIDING}\nfrom slimtune.sweeper.cli import main\nsys.exit(main())"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, cwd=folder, check=False
    )


@pytest.mark.parametrize(
    ("command", "package"),
    [
        ("sweep experiment=tone", "hydra-core"),
        ("explain fit.epochs", "hydra-core"),
        ("init --data rows.jsonl", "hydra-core"),
        ("history tickets", "psutil"),
        ("evaluate --model models:/tickets@champion --data rows.jsonl", "psutil"),
        ("predict --model models:/tickets@champion --text x", "psutil"),
        ("ui", "mlflow"),
    ],
)
def test_a_command_says_which_package_it_lacks(tmp_path: Path, command: str, package: str) -> None:
    """In one sentence, as bad input and as no fault."""
    (tmp_path / "rows.jsonl").write_text('{"text": "a", "label": "b"}\n')
    (tmp_path / "mlruns").mkdir()
    (tmp_path / "mlruns/mlflow.db").touch()
    done = run_without(*command.split(), folder=tmp_path)
    (line,) = done.stderr.splitlines()
    assert done.returncode == 2
    assert f"needs {package}, " in line
    assert f"pip install {package}" in line


def test_a_registered_model_is_answered_with_what_works_without(tmp_path: Path) -> None:
    (tmp_path / "mlruns").mkdir()
    (tmp_path / "mlruns/mlflow.db").touch()
    done = run_without("predict", "--model", "models:/tickets@champion", "--text", "x", folder=tmp_path)
    assert "slimtune predict reads the folder of a bundle without them" in done.stderr


@pytest.mark.parametrize("flags", [[], ["--json"]])
def test_doctor_tells_what_it_can_and_what_that_lacks(tmp_path: Path, flags: list[str]) -> None:
    done = run_without("doctor", *flags, folder=tmp_path)
    assert done.returncode in (0, 2), done.stderr
    assert done.stderr == ""
    if flags:
        findings = [one for room in json.loads(done.stdout).values() for one in room]
        told = {one["name"]: one["told"] for one in findings}
        assert told["GPU"] == "cannot be told without torch"
        assert told["tracker"] == "cannot be told without psutil"
        assert told["Python"]
    else:
        assert "  -- GPU: cannot be told without torch" in done.stdout
        assert "  ok slimtune: " in done.stdout


def test_a_module_that_nobody_declares_stays_a_fault(tmp_path: Path) -> None:
    code = "import sys\nsys.modules['slimtune.sweeper.commands.doctor'] = None\n"
    code += "from slimtune.sweeper.cli import main\nsys.exit(main(['doctor']))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 1
    assert "this is a fault of slimtune" in done.stderr


def test_a_function_says_which_package_it_lacks() -> None:
    code = f"{HIDING}\nimport slimtune\nslimtune.Predictor\nslimtune.sweep"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    told = done.stderr.splitlines()[-1]
    assert told.startswith("ModuleNotFoundError: slimtune.sweep needs hydra-core, ")
