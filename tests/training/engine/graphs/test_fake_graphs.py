"""The fake does to work what a GPU's graph does."""

import pytest
import torch

from tests.training.engine.graphs.fake_graphs import FakeGraphs


def test_a_number_that_is_read_at_capture_stays() -> None:
    """And tensors are read anew at each replay."""
    x, factor = torch.ones(2), [3.0]
    captured = FakeGraphs()(lambda: (x * factor[0],))
    factor[0] = 5.0
    x.fill_(2.0)
    captured.replay()
    assert captured.outputs[0].tolist() == [6.0, 6.0]


def test_a_tensor_that_is_replaced_is_not_seen() -> None:
    """It is read where it was."""
    held = {"x": torch.ones(2)}
    captured = FakeGraphs()(lambda: (held["x"] + 1,))
    held["x"] = torch.zeros(2)
    captured.replay()
    assert captured.outputs[0].tolist() == [2.0, 2.0]


def test_a_capture_carries_nothing_out() -> None:
    """Not on what is written in place, through views, nor on the generator."""
    summed, generator = torch.zeros(4), torch.random.get_rng_state()

    def work() -> tuple[torch.Tensor, ...]:
        summed.view(2, 2)[0].add_(torch.rand(2) * 0 + 1)
        return (summed.clone(),)

    captured = FakeGraphs()(work)
    assert summed.tolist() == [0.0] * 4
    assert torch.equal(torch.random.get_rng_state(), generator)
    captured.replay()
    captured.replay()
    assert summed.tolist() == captured.outputs[0].tolist() == [2.0, 2.0, 0.0, 0.0]


def test_a_backward_pass_is_replayed() -> None:
    weight, x = torch.ones(2, requires_grad=True), torch.ones(2)
    captured = FakeGraphs()(lambda: torch.autograd.grad((weight * x).square().sum(), [weight]))
    x.fill_(3.0)
    captured.replay()
    assert captured.outputs[0].tolist() == [18.0, 18.0]


@pytest.mark.parametrize(
    "work",
    [lambda x: x * float(x.sum()), lambda x: x[x > 0], lambda x: x if (x > 0).all() else -x, lambda x: x.unique()],
)
def test_what_waits_for_the_device_is_refused(work: object) -> None:
    with pytest.raises(RuntimeError, match="not permitted when stream is capturing"):
        FakeGraphs()(lambda: (work(torch.ones(2)),))  # type: ignore[operator]
