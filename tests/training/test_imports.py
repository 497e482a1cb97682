"""What a part of slimtune imports: counted in a process of its own, since a test's process has everything."""

import subprocess
import sys

import pytest

HEAVY = {"accelerate", "bitsandbytes", "datasets", "evaluate", "mlflow", "pandas", "peft", "pyarrow", "torch"}


def imported_by(code: str) -> set[str]:
    """Top-level names of all modules after some code has run."""
    told = f"{code}\nimport sys; print(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


@pytest.mark.parametrize("name", ["accuracy", "exact_match", "entity_f1", "multilabel_f1"])
def test_a_plain_metric_imports_nothing_heavy(name: str) -> None:
    rows = [[], []] if name in ("entity_f1", "multilabel_f1") else ["1", "2"]
    compute = f"load_metric({name!r}).compute({rows}, {rows}, None)"
    names = imported_by(f"from slimtune.training.metrics.load import load_metric; {compute}")
    assert names.isdisjoint(HEAVY)
