import pytest

from slimtune.export.adapters.manifest import _cell
from slimtune.export.commands.predict import _said
from slimtune.export.external.class_names import _checked
from slimtune.training.data.readers.row import no_column
from slimtune.training.errors import DataError
from slimtune.training.listed_names import by_numbers, counted, told_ended, with_commas


def test_a_name_with_a_comma_is_seen_where_it_ends() -> None:
    """Of classes and columns, in errors and in answers; in a table of Markdown a bar ends no cell."""
    names = ["bad, worse", "good"]
    assert with_commas(names) == "'bad, worse', good"
    with pytest.raises(DataError, match="'so, so', which the model lacks; it has 'bad, worse', good"):
        _checked(names, {"so, so"}, names)
    assert "the row has 'bad, worse', good" in str(no_column("text", dict.fromkeys(names), key="k", where="row 1"))
    assert _said(names) == "'bad, worse', good"
    assert _cell(["a|b", *names]) == r"a&#124;b, 'bad, worse', good"
    assert _cell([]) == "-"


def test_an_empty_list_on_the_way_and_blanks_around_a_name_are_told() -> None:
    row = {"text ": "a", "annotations": []}
    told = str(no_column("annotations.0.result", row, key="k", where="row 1"))
    assert told.endswith(
        "the row has 'text ', annotations; its list 'annotations' is empty: leave the row out, or fill it in"
    )
    deep = {"a": [{"b": []}]}
    assert "its list 'a.0.b' is empty" in str(no_column("a.0.b.0.c", deep, key="k", where="row 1"))


def test_a_table_that_is_called_a_text_is_told() -> None:
    told = str(no_column("label", {"text": "label\ttext", "file": "t.txt"}, key="label_column", where="t.txt, row 1"))
    assert told.endswith("the row has text, file; a .txt is read as plain text: call a table .csv or .tsv")


def test_a_column_of_the_config_is_told_with_the_key_to_type() -> None:
    """Where no name is near, and the key is one of the config's."""
    assert "name yours with data.text_column=..." in str(
        no_column("text", {"ticket": "a"}, key="text_column", where="row 1")
    )
    assert "data." not in str(no_column("text", {"ticket": "a"}, key="--text-column", where="row 1"))


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (counted(1, "trial"), "1 trial"),
        (counted(0, "trial"), "0 trials"),
        (counted(12_000, "row"), "12,000 rows"),
        (counted(1, "entry", "entries"), "1 entry"),
        (counted(2, "entry", "entries"), "2 entries"),
        (by_numbers("trial", [3]), "trial 3"),
        (by_numbers("trial", [3, 5]), "trials 3, 5"),
        (told_ended(1, 4), "1 of 4 trials has ended"),
        (told_ended(0, 1), "0 of 1 trial have ended"),
        (told_ended(2, None), "2 trials have ended"),
    ],
)
def test_a_number_of_things_has_the_plural_that_fits(told: str, said: str) -> None:
    assert told == said
