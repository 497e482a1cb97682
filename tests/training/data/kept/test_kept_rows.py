import json
import pickle
from pathlib import Path
from typing import Any

import pytest

from slimtune.training.config.trial import TrialConfig
from slimtune.training.data.kept import kept_rows, source_digest
from slimtune.training.data.kept.kept_rows import KeptRows, keep_rows, load_rows
from slimtune.training.tasks.rows import read_splits
from slimtune.training.workbench import prepared_data
from slimtune.training.workbench.prepared_data import ReadRows, prepare_data


@pytest.fixture
def config(keeping_config: TrialConfig) -> TrialConfig:
    return keeping_config


def test_rows_that_were_kept_are_those_that_were_read(config: TrialConfig, tmp_path: Path) -> None:
    """All that is known of them too, to the same fingerprint."""
    rows = read_splits(config)
    assert keep_rows(rows, KeptRows(tmp_path / "rows", "name"))
    kept = load_rows(KeptRows(tmp_path / "rows", "name"))
    assert kept is not None
    for name, examples in rows.named().items():
        assert list(kept.named()[name]) == list(examples)
    assert list(kept.split_off) == list(rows.split_off)
    assert kept.fingerprint == rows.fingerprint
    assert (kept.notes, kept.near_leaks, kept.num_duplicates) == (rows.notes, rows.near_leaks, rows.num_duplicates)


def test_another_command_and_another_process_read_nothing(config: TrialConfig, reads: list[TrialConfig]) -> None:
    """And the tokens are the same."""
    read = ReadRows()
    first = prepare_data(config, read)
    other = prepare_data(config, pickle.loads(pickle.dumps(read)))
    again = prepare_data(config, ReadRows())
    assert len(reads) == 1
    for one in (other, again):
        assert one.rows.fingerprint == first.rows.fingerprint
        for name, split in one.encoded.items():
            assert split.encoded.row(0).tolist() == first.encoded[name].encoded.row(0).tolist()
            assert split.targets.labels_N.tolist() == first.encoded[name].targets.labels_N.tolist()  # type: ignore[union-attr]


def test_a_file_that_changed_is_read_again(config: TrialConfig, reads: list[TrialConfig]) -> None:
    """Its contents count, not its time."""
    first = ReadRows().of(config).fingerprint
    path = Path(config.data.train_file)
    path.write_text(path.read_text().replace("soup", "cake", 1))
    assert ReadRows().of(config).fingerprint != first
    assert len(reads) == 2


def test_broken_ones_are_read_again(config: TrialConfig, reads: list[TrialConfig], tmp_path: Path) -> None:
    first = ReadRows().of(config).fingerprint
    (path,) = (tmp_path / "cache" / "rows").glob("*.train.arrow")
    path.write_bytes(path.read_bytes()[:50])
    assert ReadRows().of(config).fingerprint == first
    assert len(reads) == 2
    assert load_rows(KeptRows(path.parent, "none of that name")) is None


def test_few_rows_are_not_kept(config: TrialConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_rows, "LEAST_ROWS", 10_000)
    ReadRows().of(config)
    assert not (tmp_path / "cache" / "rows").exists()


def test_rows_of_a_readers_own_are_known_by_what_was_read(config: TrialConfig, tmp_path: Path) -> None:
    """What its code does cannot be told: every command reads, and the processes of one command share what it read."""
    config.data.reader = "tests.training.data.kept.test_kept_rows.read_json_lines"
    assert source_digest.source_digest(config) is None
    read = ReadRows()
    rows = read.of(config)
    assert list((tmp_path / "cache" / "rows").glob("*.json"))
    assert pickle.loads(pickle.dumps(read)).of(config).fingerprint == rows.fingerprint


def read_json_lines(name: str) -> Any:
    """A reader of a user's own."""
    return map(json.loads, Path(name).read_text().splitlines())


def test_a_file_that_is_written_while_it_is_read_is_not_kept(
    config: TrialConfig, reads: list[TrialConfig], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was read would be taken for the rows of the file as it was before."""
    file = Path(str(config.data.train_file))
    before, read = file.read_text(encoding="utf-8"), prepared_data.read_splits

    def read_another(config: TrialConfig) -> Any:
        file.write_text("".join(before.splitlines(keepends=True)[:-1]), encoding="utf-8")
        return read(config)

    with monkeypatch.context() as sync:
        sync.setattr(prepared_data, "read_splits", read_another)
        fewer = ReadRows().of(config)
    file.write_text(before, encoding="utf-8")
    rows = ReadRows().of(config)
    assert len(reads) == 2
    assert sum(map(len, rows.named().values())) == sum(map(len, fewer.named().values())) + 1
