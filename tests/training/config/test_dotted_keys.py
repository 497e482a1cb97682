import pytest

from slimtune.training.config.dotted_keys import key_suggestion

KNOWN = [
    *("data", "data.train_file", "data.test_file", "fit", "fit.head_lr_ratio", "fit.learning_rate", "fit.epochs"),
    *("fit.batch_size", "method.name", "method.r", "model.name_or_path", "model.seed", "search.sampler.name"),
]


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("fit.lr", "fit.learning_rate"),
        ("lr", "fit.learning_rate"),
        ("bs", "fit.batch_size"),
        ("learning_rate", "fit.learning_rate"),
        ("fit.learning_rat", "fit.learning_rate"),
        ("model.name", "model.name_or_path"),
        ("data.train", "data.train_file"),
        ("train.epochs", "fit.epochs"),
        ("lora.r", "method.r"),
        ("methd", "method"),
        ("method.rank", "method.r"),
        ("serach.sampler.name", "search.sampler.name"),
    ],
)
def test_a_key_of_its_own_group_comes_first_then_the_same_name_in_another(key: str, meant: str) -> None:
    assert key_suggestion(key, KNOWN) == f"did you mean '{meant}'?"


def test_a_name_that_several_groups_have_is_asked_for_with_all_of_them() -> None:
    assert key_suggestion("name", [*KNOWN, "data.name"]).startswith("did you mean 'data.name' or 'method.name' or")


def test_of_a_group_its_own_keys_are_listed_and_none_inside_of_them() -> None:
    known = ["space.fit", "space.fit.epochs", "space.fit.epochs.low", "space.method"]
    assert key_suggestion("space.zzz", known) == "known: space.fit, space.method"


def test_what_is_near_nothing_is_told_its_group_or_the_groups() -> None:
    assert key_suggestion("model.folder", KNOWN) == "known: model.name_or_path, model.seed"
    assert key_suggestion("zzz", KNOWN).startswith("the groups are data, fit, method, model, search")
