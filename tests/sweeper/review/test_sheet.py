"""A blind sheet: who answered what is known to the key alone."""

import csv
import io
from pathlib import Path

import pytest

from slimtune.sweeper.review.sheet import JudgedRow, Sheet, blind_sheet, differing_rows, key_values, read_key
from slimtune.sweeper.review.sheet_files import sheet_page, sheet_table
from slimtune.sweeper.review.verdicts import Judgement, read_verdicts, review_of
from slimtune.training.errors import StoreError

TRIALS = (3, 7, 12)


def judged(number: int, *, alike: bool = False) -> JudgedRow:
    answers = {trial: "same" if alike else f"answer {trial} to {number}" for trial in TRIALS}
    return JudgedRow(number, f"question {number}", f"expected {number}", answers)


def sheet_of(count: int = 6, *, show: bool = False) -> Sheet:
    rows = [judged(number) for number in range(1, count + 1)]
    return blind_sheet("mine", rows, most=40, seed=1, show_references=show)


def test_letters_are_another_order_in_each_row_and_the_key_knows_them() -> None:
    sheet = sheet_of(12)
    orders = {tuple(letters.values()) for letters in sheet.key.values()}
    assert len(orders) > 1
    for row in sheet.rows:
        assert {sheet.key[row.number][letter]: text for letter, text in row.answers.items()} == judged(
            row.number
        ).answers
    assert read_key(key_values(sheet)) == {number: dict(letters) for number, letters in sheet.key.items()}
    assert sheet == sheet_of(12), "the same seed, the same sheet"


def test_rows_that_all_answer_alike_are_left_out() -> None:
    assert differing_rows([judged(1, alike=True), judged(2)], num_validation=2) == [judged(2)]


def test_trials_that_answer_all_alike_are_told_with_how_many_rows_were_looked_at() -> None:
    """And whether there are more."""
    rows = [judged(number, alike=True) for number in range(1, 13)]
    with pytest.raises(StoreError, match=r"the trials answer all 12 validation rows alike: there .* between them$"):
        differing_rows(rows, num_validation=12)
    told = r"answer alike all 12 rows that were looked at, of 27 validation rows: .*; a larger --rows looks at more$"
    with pytest.raises(StoreError, match=told):
        differing_rows(rows, num_validation=27)


def test_files_show_no_trial_and_texts_are_no_markup() -> None:
    """Expected answers stand there only where they are asked for."""
    row = JudgedRow(5, "<b>bold</b>", "expected", {3: "<script>alert(1)</script>", 7: 'say "so", then'})
    hidden = blind_sheet("mine", [row], most=1, seed=1, show_references=False)
    page, table = sheet_page(hidden), sheet_table(hidden)
    assert "<script>alert" not in page
    assert "&lt;b&gt;bold" in page
    assert "expected" not in table
    assert "Expected" not in page
    (line,) = csv.DictReader(io.StringIO(table))
    assert {line["A"], line["B"]} == set(row.answers.values())
    shown = blind_sheet("mine", [row], most=1, seed=1, show_references=True)
    assert "Expected" in sheet_page(shown)


def filled(sheet: Sheet, folder: Path, name: str, wanted: int) -> Path:
    """The table of a reviewer who always chooses one trial."""
    letters = {number: {trial: letter for letter, trial in found.items()} for number, found in sheet.key.items()}
    path = folder / f"{name}.csv"
    lines = [f"{number},{letters[number][wanted].lower()},{name}" for number in letters]
    path.write_text("\n".join(["row,choice,reviewer", *lines]) + "\n")
    return path


def test_what_reviewers_choose_is_found_again(tmp_path: Path) -> None:
    """Two who agree, of trials that stood behind other letters in each row."""
    sheet = sheet_of()
    key = read_key(key_values(sheet))
    verdicts = [one for name in ("ann", "bob") for one in read_verdicts(filled(sheet, tmp_path, name, 7), key)]
    review = review_of(verdicts, TRIALS, seed=1)
    assert [(one.trial, one.share) for one in review.preferences] == [(7, 1.0), (3, 0.0), (12, 0.0)]
    assert (review.agreement, review.num_rows, review.reviewers) == (1.0, 6, ["ann", "bob"])


def test_ties_disagreement_and_a_second_thought() -> None:
    verdicts = [Judgement(1, "ann", 3), Judgement(1, "ann", None), Judgement(2, "ann", 3), Judgement(2, "bob", 7)]
    review = review_of(verdicts, (3, 7), seed=1)
    shares = {one.trial: one.share for one in review.preferences}
    assert shares == {3: 0.5, 7: 0.5}
    assert review.agreement == 0.0
    preference = review.preferences[0]
    assert preference.low <= preference.share <= preference.high


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("row,choice\n1,Z\n", "line 2: choice is 'Z'; use one of A, B, C or tie"),
        ("row,choice\n99,A\n", "line 2: there is no row '99' on the sheet"),
        ("row,better\n1,A\n", "has no column choice, but row, better"),
        ("", "has no column row and no choice, but none"),
    ],
)
def test_a_file_of_another_sheet_is_told_with_its_line(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "back.csv"
    path.write_text(text)
    with pytest.raises(StoreError, match=said):
        read_verdicts(path, read_key(key_values(sheet_of())))


def test_a_spreadsheets_file_is_read_too(tmp_path: Path) -> None:
    """With semicolons, a mark at its beginning and more columns; rows without a choice are no verdicts."""
    path = tmp_path / "carla.csv"
    path.write_text("\ufeffRow;input;A;B;C;Choice\n1;q;x;y;z;TIE\n2;q;x;y;z;\n", encoding="utf-8")
    assert read_verdicts(path, read_key(key_values(sheet_of()))) == [Judgement(1, str(path), None)]


def test_two_files_of_one_name_are_two_reviewers(tmp_path: Path) -> None:
    sheet = sheet_of()
    found = []
    for name in ("ann", "bob"):
        (tmp_path / name).mkdir()
        path = tmp_path / name / "sheet.csv"
        path.write_text("row,choice\n" + "".join(f"{number},A\n" for number in sheet.key))
        found += read_verdicts(path, read_key(key_values(sheet)))
    assert len(review_of(found, TRIALS, seed=1).reviewers) == 2


def test_a_text_is_no_formula() -> None:
    row = JudgedRow(1, "=1+1", "", {3: "+cmd", 7: "plain"})
    table = sheet_table(blind_sheet("mine", [row], most=1, seed=1, show_references=False))
    (line,) = csv.DictReader(io.StringIO(table))
    assert (line["input"], {line["A"], line["B"]}) == ("'=1+1", {"'+cmd", "plain"})


def test_nobody_has_chosen() -> None:
    with pytest.raises(StoreError, match="nobody has chosen anything"):
        review_of([], TRIALS, seed=1)


def test_one_row_leaves_every_share_possible() -> None:
    """An interval of numbers, which a tracker and JSON take."""
    found = review_of([Judgement(row=1, reviewer="ann", trial=0)], [0, 2], seed=1)
    assert [(one.share, one.low, one.high) for one in found.preferences] == [(1.0, 0.0, 1.0), (0.0, 0.0, 1.0)]
