"""The loss of a linear layer's scores in chunks is that of all of them at once."""

from typing import Any

import pytest
import torch
from torch.nn.functional import cross_entropy, linear
from torch.utils._python_dispatch import TorchDispatchMode

from slimtune.training.tasks.fused_loss.chunked_nats import OutputLayer, chunked_nats

TOKENS, WIDTH, WORDS = 23, 8, 40
# five tokens at a time, and three at last
CHUNK_SCORES = 5 * WORDS


def made(dtype: torch.dtype = torch.float64, *, is_trained: bool) -> tuple[torch.Tensor, OutputLayer, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    hidden_NH = torch.randn(TOKENS, WIDTH, generator=generator).to(dtype).requires_grad_()
    weight_VH = torch.randn(WORDS, WIDTH, generator=generator).to(dtype).requires_grad_(is_trained)
    bias_V = torch.randn(WORDS, generator=generator).to(dtype).requires_grad_(is_trained)
    labels_N = torch.randint(WORDS, (TOKENS,), generator=generator)
    labels_N[::4] = -100
    return hidden_NH, OutputLayer(weight_VH, bias_V), labels_N


def at_once(hidden_NH: torch.Tensor, head: OutputLayer, labels_N: torch.Tensor, smoothing: float) -> torch.Tensor:
    scores_NV = linear(hidden_NH, *head)
    wide = torch.promote_types(scores_NV.dtype, torch.float32)
    return cross_entropy(scores_NV.to(wide), labels_N, label_smoothing=smoothing, reduction="none")


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("is_trained", [False, True])
def test_nats_and_gradients_are_those_of_all_scores(*, is_trained: bool, smoothing: float) -> None:
    """With a weight for each token, as losses of several trials have; to 1e-12 in float64."""
    hidden_NH, head, labels_N = made(is_trained=is_trained)
    weights_N = torch.linspace(0.1, 2.0, TOKENS, dtype=torch.float64)
    wanted_N = at_once(hidden_NH, head, labels_N, smoothing)
    found_N = chunked_nats(hidden_NH, head, labels_N, label_smoothing=smoothing, chunk_scores=CHUNK_SCORES)
    torch.testing.assert_close(found_N, wanted_N, rtol=1e-12, atol=1e-12)
    inputs = [one for one in (hidden_NH, *head) if one is not None and one.requires_grad]
    theirs = torch.autograd.grad((wanted_N * weights_N).sum(), inputs)
    ours = torch.autograd.grad((found_N * weights_N).sum(), inputs)
    torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("is_trained", [False, True])
def test_in_bf16_only_the_products_are_rounded(*, is_trained: bool) -> None:
    """The loss stays float32: it is what trials are compared by. Gradients differ by single roundings of bf16."""
    hidden_NH, head, labels_N = made(torch.float32, is_trained=is_trained)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        wanted_N = at_once(hidden_NH, head, labels_N, 0.0)
        found_N = chunked_nats(hidden_NH, head, labels_N, chunk_scores=CHUNK_SCORES)
    assert found_N.dtype is torch.float32
    torch.testing.assert_close(found_N, wanted_N, rtol=1e-5, atol=1e-5)
    inputs = [one for one in (hidden_NH, *head) if one is not None and one.requires_grad]
    theirs, ours = (torch.autograd.grad(nats_N.sum(), inputs) for nats_N in (wanted_N, found_N))
    for one, other in zip(ours, theirs, strict=True):
        assert one.dtype is other.dtype
        torch.testing.assert_close(one, other, rtol=0.02, atol=0.02 * float(other.abs().max()))


class Largest(TorchDispatchMode):
    """Remembers the most elements of a tensor."""

    elements = 0

    def __torch_dispatch__(self, func: Any, _: Any, args: Any = (), kwargs: Any = None) -> Any:
        found = func(*args, **(kwargs or {}))
        for one in found if isinstance(found, tuple) else (found,):
            if isinstance(one, torch.Tensor):
                self.elements = max(self.elements, one.numel())
        return found


@pytest.mark.parametrize("is_trained", [False, True])
def test_the_scores_of_all_tokens_are_never_there(*, is_trained: bool) -> None:
    """No tensor is larger than a chunk's scores, or than the layer itself."""
    hidden_NH, head, labels_N = made(is_trained=is_trained)
    with Largest() as largest:
        chunked_nats(hidden_NH, head, labels_N, chunk_scores=2 * WORDS).sum().backward()
    assert largest.elements <= WORDS * WIDTH < TOKENS * WORDS


@pytest.mark.parametrize("is_trained", [False, True])
def test_a_row_that_is_not_finite_spoils_its_own_gradient_alone(*, is_trained: bool) -> None:
    """As trials of one pass need it; one without a label has no gradient at all."""
    hidden_NH, head, labels_N = made(is_trained=is_trained)
    with torch.no_grad():
        hidden_NH[0], hidden_NH[1] = torch.inf, torch.inf
    nats_N = chunked_nats(hidden_NH, head, labels_N, chunk_scores=CHUNK_SCORES)
    (grad_NH,) = torch.autograd.grad(nats_N.sum(), [hidden_NH])
    assert nats_N[0] == 0
    assert nats_N.isfinite().tolist() == [True, False] + [True] * (TOKENS - 2)
    assert grad_NH.isfinite().all(-1).tolist() == [True, False] + [True] * (TOKENS - 2)


def test_few_scores_are_not_large() -> None:
    """A vocabulary of 30,000 over a batch of answers is one chunk on a CPU, which gains nothing."""

    def head(words: int, *, is_trained: bool = False) -> OutputLayer:
        return OutputLayer(torch.empty(words, 1, requires_grad=is_trained), None)

    assert not head(30_000).is_large(256)
    assert head(128_256).is_large(256)
    # a layer that is trained computes twice what is not kept
    assert not head(128_256, is_trained=True).is_large(256)
    assert head(128_256, is_trained=True).is_large(512)
