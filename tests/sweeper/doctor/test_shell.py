from pathlib import Path

import pytest

from slimtune.sweeper.doctor.finding import Grade
from slimtune.sweeper.doctor.shell import FILES, shell_completion


@pytest.mark.parametrize("shell", FILES)
def test_completion_that_is_not_set_up_is_told_with_the_line_that_does_it(
    shell: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SHELL", f"/usr/bin/{shell}")
    found = shell_completion(tmp_path)
    assert found is not None
    assert found.grade is Grade.absent
    assert f"slimtune completion {shell}" in str(found.repair)
    file = tmp_path / FILES[shell][0]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"# made by slimtune completion {shell}\n")
    found = shell_completion(tmp_path)
    assert found is not None
    assert found.grade is Grade.good


def test_of_another_shell_nothing_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SHELL", "/bin/tcsh")
    assert shell_completion(tmp_path) is None
