from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import optuna
import pytest

from slimtune.sweeper.campaigns import identity
from slimtune.sweeper.campaigns.identity import ROWS, check_begun, check_same, counts_told, difference
from slimtune.sweeper.search_config import study_url
from slimtune.sweeper.study.record import IDENTITY
from slimtune.training.errors import StoreError
from slimtune.training.usual_places import DATA_REPORT_FILE


def test_all_that_differs_is_named() -> None:
    with pytest.raises(StoreError) as raised:
        check_same({"a": "1", "b": "2", "c": "3"}, {"a": "1", "b": "9", "d": "4"}, name="mine")
    lines = str(raised.value).splitlines()
    assert lines[1:-1] == ["  - b: 2 -> 9", "  - c: 3 -> not there", "  - d: not there -> 4"]


def test_a_value_has_one_line_and_is_told_from_one_with_the_same_words() -> None:
    """A template with a new line in it, and one with the two signs that stand for it."""
    known, now = {"data.text_template": "Q: {q}\nA: {a}"}, {"data.text_template": "Q: {q}\\nA: {a}"}
    with pytest.raises(StoreError) as raised:
        check_same(known, now, name="mine")
    _, line, _ = str(raised.value).splitlines()
    assert line == r"  - data.text_template: 'Q: {q}\nA: {a}' -> Q: {q}\nA: {a}"
    assert len((difference(known, now) or "").splitlines()) == 1


def test_other_rows_are_told_by_their_number(tmp_path: Path) -> None:
    """And not by the fingerprint that shows them."""
    request: Any = SimpleNamespace(folder=tmp_path)
    prepared: Any = SimpleNamespace(report=SimpleNamespace(splits=[SimpleNamespace(num_rows=1900)]))
    known, now = {ROWS: "b2106106e903", "a": "1"}, {ROWS: "158a7d07", "a": "1"}
    with pytest.raises(StoreError, match=r"(?s)begun with other rows, .* others than .*\(1,900 rows now\)") as raised:
        check_same(known, now, name="mine", told_rows=partial(counts_told, request, prepared))
    assert "b2106106e903" not in str(raised.value)
    (tmp_path / DATA_REPORT_FILE).write_text('{"splits": [{"num_rows": 1000}, {"num_rows": 200}]}')
    with pytest.raises(StoreError, match=r"(?s)another config.* a: .*\(1,200 rows before, 1,900 now\)"):
        check_same(known, {**now, "a": "2"}, name="mine", told_rows=partial(counts_told, request, prepared))
    assert difference(known, now) == f"{ROWS} are others"


def test_a_new_sweep_and_the_same_sweep_pass() -> None:
    check_same(None, {"a": "1"}, name="mine")
    check_same({"a": "1"}, {"a": "1"}, name="mine")


def test_what_a_file_has_of_that_name_is_compared_before_anything_is_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request: Any = SimpleNamespace(
        storage=study_url(tmp_path), search=SimpleNamespace(config=SimpleNamespace(name="mine"))
    )
    prepared: Any = SimpleNamespace(data_fingerprint="rows", base_fingerprint=None)
    monkeypatch.setattr(identity, "identity_of", lambda *_: {"search.direction": "minimize"})
    check_begun(request, prepared)
    assert list(tmp_path.iterdir()) == []
    study = optuna.create_study(storage=request.storage, study_name="other")
    study.set_user_attr(IDENTITY, {"search.direction": "maximize"})
    check_begun(request, prepared)
    study = optuna.create_study(storage=request.storage, study_name="mine")
    study.set_user_attr(IDENTITY, {"search.direction": "maximize"})
    with pytest.raises(StoreError, match="direction: maximize -> minimize"):
        check_begun(request, prepared)
