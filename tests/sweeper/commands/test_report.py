"""`slimtune report` on studies; nothing is trained, and no browser is opened."""

import webbrowser
from pathlib import Path

import pytest

from slimtune.sweeper.cli import main
from tests.sweeper.commands.test_compare import make_sweep


@pytest.fixture
def sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a sweep of two trials among the outputs of the working directory."""
    monkeypatch.chdir(tmp_path)
    make_sweep("tone", [0.25, 0.75])
    return tmp_path / "outputs" / "tone"


def test_the_page_is_written_and_opened(
    sweep: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Into the sweep's folder, which is printed."""
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda address: bool(opened.append(address) or True))
    assert main(["report", "tone"]) == 0
    path = sweep / "report.html"
    assert capsys.readouterr().out.strip() == str(path)
    assert opened == [path.as_uri()]
    assert "sweep tone" in path.read_text(encoding="utf-8")


@pytest.mark.usefixtures("sweep")
def test_the_page_is_written_where_it_is_wanted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Folders above it are made; no browser is asked."""
    monkeypatch.setattr(webbrowser, "open", lambda address: pytest.fail("opened"))
    assert main(["report", "tone", "--no-open", "--out", "new/page.html"]) == 0
    assert (tmp_path / "new" / "page.html").is_file()


@pytest.mark.usefixtures("sweep")
@pytest.mark.parametrize("error", [None, webbrowser.Error("could not locate runnable browser")])
def test_no_browser_is_no_fault(
    error: Exception | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The page is there; a sentence says where."""

    def refuse(address: str) -> bool:
        if error is not None:
            raise error
        return False

    monkeypatch.setattr(webbrowser, "open", refuse)
    assert main(["report", "tone"]) == 0
    assert "no browser could be opened here; open " in capsys.readouterr().err


@pytest.mark.usefixtures("sweep")
def test_what_cannot_be_written_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder, a file in the way, a sweep that is not there."""
    (tmp_path / "file").write_text("")
    for words, said in (
        (["--out", "outputs"], "--out outputs is a folder; give a file"),
        (["--out", "file/page.html"], "cannot be written"),
    ):
        assert main(["report", "tone", "--no-open", *words]) == 2
        assert said in capsys.readouterr().err
    assert main(["report", "tnoe"]) == 2
    assert "did you mean 'tone'?" in capsys.readouterr().err


@pytest.mark.usefixtures("sweep")
@pytest.mark.parametrize("word", ["report", "status"])
def test_a_second_sweep_is_for_compare(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([word, "tone", "two"]) == 2
    assert "is given 'two' as well; it takes one sweep, and slimtune compare A B" in capsys.readouterr().err
