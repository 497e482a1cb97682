from typing import Any

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import given
from hypothesis import strategies as st

from slimtune.sweeper.space.dimension import Scalar
from slimtune.sweeper.space.override_text import choice_value, chosen_value, override
from slimtune.training.errors import ConfigError

texts = st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), min_size=1, max_size=12)


@given(st.one_of(st.none(), st.booleans(), st.integers(-99, 99), st.floats(-1e9, 1e9, allow_nan=False), texts))
def test_a_value_passes_hydras_grammar_unchanged(value: Scalar) -> None:
    """Whatever is sampled arrives in the trial's config as it was sampled, text and sign and digits.

    A text that begins like a list, a mapping or a quoted text is kept quoted.
    """
    parsed = OverridesParser.create().parse_override(override("a.b", choice_value(value), is_group=False))
    assert parsed.value() == value
    assert type(parsed.value()) is type(value)


@pytest.mark.parametrize("value", [{"a b": {"c,d": "1"}}, [{"+a": [1]}], {1: 2}, {"How-to": float("nan")}])
def test_a_mapping_passes_hydras_grammar(value: Any) -> None:
    assert repr(chosen_value(choice_value(value))) == repr(value)


@pytest.mark.parametrize("value", [{"+1": 2}, [{"a": {"true": 1}}], {"é": 1}, {"": 1}])
def test_a_name_that_hydra_reads_as_another_is_refused(value: Any) -> None:
    with pytest.raises(ConfigError, match="which Hydra reads as another"):
        choice_value(value)
