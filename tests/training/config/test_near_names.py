import pytest

from slimtune.training.config.dotted_keys import meant_keys
from slimtune.training.config.method import LoraMethod
from slimtune.training.config.near_names import nearest_name
from slimtune.training.config.other_names import called_otherwise, key_called_otherwise
from slimtune.training.config.schema import option_suggestion, parse_section

TASKS = ("classification", "generation", "extraction", "similarity", "custom")


@pytest.mark.parametrize(
    ("name", "known", "near"),
    [
        ("epoch", ["epochs", "patience"], "epochs"),
        ("LORA", ["lora", "qlora"], "lora"),
        ("learning-rate", ["learning_rate"], "learning_rate"),
        ("trian_file", ["train_file"], "train_file"),
        ("num_epochs", ["epochs"], "epochs"),
        ("max_seq_length", ["max_length", "max_steps"], "max_length"),
        ("warmup_ratio", ["warmup_share"], "warmup_share"),
        ("nothing", ["label_smoothing", "encoding"], None),
        ("regression", TASKS, None),
        ("sentiment", TASKS, None),
        ("bayes", ["cmaes", "tpe"], None),
        ("max_tokens", ["max_steps"], None),
        ("q", ["r"], None),
    ],
)
def test_a_name_is_near_if_few_letters_are_wrong_or_half_its_words_are_the_same(
    name: str, known: list[str], near: str | None
) -> None:
    assert nearest_name(name, known) == near


@pytest.mark.parametrize(
    ("name", "known", "meant"),
    [
        ("sentiment", TASKS, ["classification"]),
        ("regression", TASKS, ["similarity", "custom"]),
        ("Bayesian", ("tpe", "random"), ["tpe"]),
        ("asha", ("hyperband", "successive_halving"), ["successive_halving"]),
        ("sentiment", ("full", "lora"), []),
    ],
)
def test_what_others_call_an_option_is_known_where_it_is_one(
    name: str, known: tuple[str, ...], meant: list[str]
) -> None:
    assert called_otherwise(name, known) == meant


def test_what_others_call_a_key() -> None:
    assert key_called_otherwise("num_train_epochs", ["fit.epochs"]) == ["fit.epochs"]
    assert key_called_otherwise("num_train_epochs", ["x.epochs"]) == []


def test_options_are_all_told_with_the_nearest() -> None:
    assert option_suggestion("loar", ["full", "lora"]) == "did you mean 'lora'? known: full, lora"
    assert option_suggestion("zzz", ["full", "lora", "_hidden"]) == "known: full, lora"


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("base_model", ["model.name_or_path"]),
        ("sequence_len", ["data.max_length"]),
        ("fit.cutoff_len", ["data.max_length"]),
        ("finetuning_type", ["method"]),
        # a group stands at the top alone
        ("model.adapter", []),
    ],
)
def test_keys_of_other_tools_are_meant_before_what_is_spelled_alike(key: str, meant: list[str]) -> None:
    known = ["model.name_or_path", "data.max_length", "method.r", "fit.epochs", "export.registered_model"]
    assert meant_keys(key, known) == meant


def test_a_section_names_the_key_that_another_tool_calls_so() -> None:
    """Also where it stands in another section."""
    values = {"name": "lora", "lora_rank": 8, "cutoff_len": 9}
    told = parse_section(LoraMethod, values, "method", choices={"lora": LoraMethod}).problems
    assert "method.lora_rank is not a key; did you mean 'method.r'?" in told
    assert "method.cutoff_len is not a key; did you mean 'data.max_length'?" in told
