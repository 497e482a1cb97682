"""A row that code of the user's own is given is a dict, and names its columns where one is lacking."""

import copy
import json
import pickle

import pytest

from slimtune.training.config.own_code import MOST_NAMED, own_row


def test_a_row_is_a_dict_in_all_else() -> None:
    row = own_row({"about": "pests", "words": ["a"]})
    assert (row, row.get("label"), "label" in row) == ({"about": "pests", "words": ["a"]}, None, False)
    for again in (copy.deepcopy(row), pickle.loads(pickle.dumps(row)), json.loads(json.dumps(row))):
        assert again == row


def test_what_is_changed_in_it_stays_there() -> None:
    data = {"words": ["a"]}
    own_row(data)["words"].append("b")
    assert data == {"words": ["a"]}


def test_the_columns_that_there_are_are_named() -> None:
    """The nearest one as what may be meant."""
    with pytest.raises(KeyError) as caught:
        own_row({"text_of_post": "a", "about": "pests"})["text_of_posts"]
    assert caught.value.__notes__ == ["the row has text_of_post, about; did you mean 'text_of_post'?"]
    with pytest.raises(KeyError) as caught:
        own_row({f"c{number}": 1 for number in range(MOST_NAMED + 2)})["label"]
    assert caught.value.__notes__[0].endswith("c11 and 2 more")
