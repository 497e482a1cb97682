"""When work is captured, that it is replayed on new inputs, and what happens where it cannot be captured."""

from collections.abc import Callable

import pytest
import torch

from slimtune.training.engine.graphs.static_calls import (
    WARM_CALLS,
    WORTH_CALLS,
    Captured,
    Outputs,
    StaticCalls,
    Tensors,
    is_worth_capturing,
)
from tests.training.engine.graphs.fake_graphs import FakeGraphs


def doubled(inputs: Tensors) -> Outputs:
    return (inputs["x"] * 2,)


def run(calls: StaticCalls, value: float, *, left: int, key: str = "a") -> float:
    (output,) = calls.run("pass", key, doubled, {"x": torch.tensor(float(value))}, left=left)
    return float(output)


def test_a_trial_of_fifty_steps_captures_nothing() -> None:
    calls = StaticCalls(FakeGraphs())
    for step in range(50):
        assert run(calls, step, left=50 - step) == 2 * step
    assert calls.record.num_captured == 0


def test_a_long_one_is_replayed_on_what_comes() -> None:
    graphs = FakeGraphs()
    calls = StaticCalls(graphs)
    kept = [calls.run("pass", "a", doubled, {"x": torch.tensor(float(step))}, left=1000)[0] for step in range(10)]
    assert [float(one) for one in kept] == [2.0 * step for step in range(10)]
    assert graphs.num_replays == 10 - WARM_CALLS
    assert calls.record.num_captured == 1


def test_only_shapes_that_come_often_are_captured() -> None:
    calls = StaticCalls(FakeGraphs())
    for step in range(100):
        run(calls, step, left=500, key="rare" if step % 10 == 0 else "often")
    assert calls.record.num_captured == 1


@pytest.mark.parametrize(("num_calls", "left", "worth"), [(WARM_CALLS, 10**6, False), (10, WORTH_CALLS, True)])
def test_the_rule(num_calls: int, left: int, worth: bool) -> None:
    assert is_worth_capturing(num_calls, num_calls, left) is worth
    assert not is_worth_capturing(num_calls, 10 * num_calls, WORTH_CALLS)


def test_what_cannot_be_captured_goes_on_with_a_word(caplog: pytest.LogCaptureFixture) -> None:
    def refuse(work: Callable[[], Outputs]) -> Captured:
        raise RuntimeError("operation not permitted when stream is capturing\nmore")

    calls = StaticCalls(refuse)
    assert [run(calls, step, left=1000) for step in range(6)] == [2 * step for step in range(6)]
    assert calls.record.fallback == "operation not permitted when stream is capturing"
    assert caplog.text.count("could not be captured") == 1
