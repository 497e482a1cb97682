"""`slimtune explain` says what a key means, as the reference does."""

import pytest

from slimtune.sweeper.cli import main


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["explain", *arguments]) == 0
    return " ".join(capsys.readouterr().out.split())


def test_a_key_is_told_with_value_rule_and_default(capsys: pytest.CaptureFixture[str]) -> None:
    text = told(capsys, "fit.learning_rate=1e-3")
    assert "Peak learning rate." in text
    assert "rule: a number above 0, e.g. 2e-4" in text
    assert "default: 0.001; 5e-05 with method=full" in text
    assert "searched by default: 0.0002 to 0.003, log" in text


def test_a_default_is_told_in_full_and_on_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it can be copied, on a narrow terminal too."""
    monkeypatch.setenv("COLUMNS", "60")
    assert main(["explain", "task.loss"]) == 0
    loss = "{_target_: slimtune.training.tasks.pair_losses.ContrastiveLoss, margin: 0.5}"
    assert any(loss in line for line in capsys.readouterr().out.splitlines())


def test_the_last_part_of_a_key_is_enough(capsys: pytest.CaptureFixture[str]) -> None:
    """Each that it may mean is told."""
    text = told(capsys, "dropout")
    assert all(one in text for one in ("(method=full)", "(method=lora)", "(method=adapters)"))


def test_a_section_is_told_key_by_key(capsys: pytest.CaptureFixture[str]) -> None:
    text = told(capsys, "search/sampler")
    assert "search/sampler=random: Independent draws." in text
    assert "search.sampler.sigma (search/sampler=cmaes): Spread of the first generation" in text


def test_no_key_of_a_section_stands_twice_under_one_name(capsys: pytest.CaptureFixture[str]) -> None:
    """Those of inner sections say whose they are, too."""
    for section in ("search", "search.sampler", "search.pruner", "method", "export"):
        assert main(["explain", section]) == 0
        lines = capsys.readouterr().out.replace("\n    ", " ").splitlines()
        keys = [line.partition(": ")[0] for line in lines if line.startswith(f"  {section}.")]
        assert keys
        assert len(set(keys)) == len(keys), section


def test_without_a_key_the_sections_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    text = told(capsys)
    assert "method=adapters, full, ia3, lora" in text
    assert "hydra/launcher=local" in text


def test_what_is_none_names_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "fit.lr"]) == 2
    assert "fit.lr is not a key of the config; did you mean 'fit.learning_rate'?" in capsys.readouterr().err
    assert main(["explain", "sweep"]) == 2
    assert "slimtune sweep --help" in capsys.readouterr().err
