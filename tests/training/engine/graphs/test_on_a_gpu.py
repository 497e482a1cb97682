"""Real graphs, where there is a GPU: `make test-gpu`."""

import pytest
import torch

from slimtune.training.engine.graphs.static_calls import CudaGraphs, Outputs, StaticCalls, Tensors

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="takes a GPU")
NUM_CALLS = 8


def test_a_replayed_gradient_is_that_of_the_call() -> None:
    """And gradients in tensors that stay where they are add up over replays."""
    torch.manual_seed(0)
    layer = torch.nn.Linear(8, 8).cuda()
    summed = torch.zeros(8, 8, device="cuda")

    def work(inputs: Tensors) -> Outputs:
        loss = layer(inputs["x"]).square().mean()
        (gradient,) = torch.autograd.grad(loss, [layer.weight])
        summed.add_(gradient)
        return loss.detach(), gradient

    calls, expected = StaticCalls(CudaGraphs()), torch.zeros_like(summed)
    for _ in range(NUM_CALLS):
        x = torch.randn(4, 8, device="cuda")
        loss, gradient = calls.run("pass", "a", work, {"x": x}, left=1000)
        wanted = layer(x).square().mean()
        (theirs,) = torch.autograd.grad(wanted, [layer.weight])
        expected += theirs
        torch.testing.assert_close(loss, wanted.detach())
        torch.testing.assert_close(gradient, theirs)
    torch.testing.assert_close(summed, expected)
    assert calls.record.num_captured == 1


def test_work_that_reads_the_device_falls_back() -> None:
    def work(inputs: Tensors) -> Outputs:
        return (inputs["x"] * float(inputs["x"].sum()),)

    calls = StaticCalls(CudaGraphs())
    for _ in range(NUM_CALLS):
        (output,) = calls.run("pass", "a", work, {"x": torch.ones(2, device="cuda")}, left=1000)
        assert output.tolist() == [2.0, 2.0]
    assert calls.record.fallback is not None
