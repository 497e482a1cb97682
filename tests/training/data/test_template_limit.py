"""A template that never ends is ended, with a message."""

import signal
from typing import Any

import pytest

from slimtune.export.bundle.chat import chat_text
from slimtune.training.data import template_limit
from slimtune.training.data.examples import Example
from slimtune.training.data.template_limit import limited_template
from slimtune.training.errors import DataError
from slimtune.training.models.from_config import trained_tokenizer
from slimtune.training.tasks.causal_generation import prompt_ids

ENDLESS = "{% for a in range(99999) %}" * 3 + "{% endfor %}" * 3
TURNS = (("user", "a"), ("assistant", "b"))

pytestmark = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="the system has no such timers")


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """For templates that never end; others are given the time that they have."""
    monkeypatch.setattr(template_limit, "SECONDS_A_CHAT", 0.02)


@pytest.mark.usefixtures("short")
def test_training_ends_a_template_that_never_ends() -> None:
    tokenizer: Any = trained_tokenizer(["some soup"] * 3, 300)
    tokenizer.chat_template = ENDLESS
    with pytest.raises(DataError, match=r"a chat of user cannot be written .*has not ended after 0.02 seconds"):
        prompt_ids([Example("user: a", "b", messages=TURNS)], tokenizer)


@pytest.mark.usefixtures("short")
def test_predicting_ends_a_template_that_never_ends() -> None:
    with pytest.raises(DataError, match=r"row 3: the chat cannot be written .*has not ended"):
        chat_text([{"role": "user", "content": "a"}], ENDLESS, {}, "row 3")


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{% for a in range(10000000) %}{% endfor %}", "Range too big"),
        ("{{ 1 / 0 }}", "division by zero"),
        ("{{ messages + 1 }}", "can only concatenate list"),
        ("{{ ''.upper(1) }}", "takes no arguments"),
        ("{{ '%d' % 'a' }}", "number is required"),
        ("{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}", "recursion"),
        ("{{ [].pop() }}", "access to attribute 'pop'"),
    ],
)
def test_what_a_template_breaks_at_is_told(template: str, message: str) -> None:
    """By predicting and by training."""
    with pytest.raises(DataError, match=rf"row 3: the chat cannot be written .*{message}"):
        chat_text([{"role": "user", "content": "a"}], template, {}, "row 3")
    tokenizer: Any = trained_tokenizer(["some soup"] * 3, 300)
    tokenizer.chat_template = template
    with pytest.raises(DataError, match=rf"a chat of user cannot be written .*{message}"):
        prompt_ids([Example("user: a", "b", messages=TURNS)], tokenizer)


def test_afterwards_no_timer_runs_and_the_handler_is_the_one_before() -> None:
    before = signal.getsignal(signal.SIGVTALRM)
    with limited_template():
        assert signal.getitimer(signal.ITIMER_VIRTUAL)[0] > 0
    assert signal.getitimer(signal.ITIMER_VIRTUAL) == (0, 0)
    assert signal.getsignal(signal.SIGVTALRM) is before
