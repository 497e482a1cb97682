"""Cross entropy of a linear layer's scores, a few tokens at a time: the scores of all of them are never there."""

# N tokens, C tokens of a chunk, H features, V vocabulary

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch.autograd.function import once_differentiable
from torch.nn.functional import linear

# scores of a chunk by type of device: 32 MB in float32, and 256 MB. Fewer tokens of a large vocabulary at a time cost
# time on a CPU, more only memory (benchmarks/reports/fused_loss.md)
CHUNK_SCORES = {"cpu": 1 << 23, "cuda": 1 << 26}
# times as many where the layer is trained: each chunk goes over its gradient once more, and computes its scores twice
TRAINED_CHUNKS = 4


class OutputLayer(NamedTuple):
    """A linear layer's tensors: (V, H), and (V) or None."""

    weight_VH: torch.Tensor
    bias_V: torch.Tensor | None

    @property
    def is_trained(self) -> bool:
        """Whether it has a gradient."""
        return any(one is not None and one.requires_grad for one in self)

    @property
    def chunk_scores(self) -> int:
        """Scores of a chunk."""
        scores = CHUNK_SCORES.get(self.weight_VH.device.type, CHUNK_SCORES["cpu"])
        return scores * TRAINED_CHUNKS if self.is_trained else scores

    def is_large(self, num_tokens: int) -> bool:
        """Whether the scores of so many tokens are more than one chunk."""
        return num_tokens * len(self.weight_VH) > self.chunk_scores


class _How(NamedTuple):
    label_smoothing: float
    rows: int
    dtype: torch.dtype


def chunked_nats(
    hidden_NH: torch.Tensor,
    head: OutputLayer,
    labels_N: torch.Tensor,
    *,
    label_smoothing: float = 0.0,
    chunk_scores: int | None = None,
) -> torch.Tensor:
    """What `cross_entropy(head(hidden).float(), labels, reduction="none")` is; 0 where a label is negative (N).

    Products are taken in the precision of autocast, or else of `hidden_NH`; softmax and loss in float32 at least, in
    which the result is. Where the head is not trained, its gradient for `hidden_NH` is computed with the loss, so that
    nothing is computed twice; a head that is trained has its scores computed again in the backward pass.

    `torch.nn.functional.linear_cross_entropy` of PyTorch 2.13 was measured too: it rounds the loss to bf16 where the
    input is bf16, knows no label smoothing, and takes 8 to 50 times as long on a CPU.

    Args:
        hidden_NH: What the head is called with.
        head: Its tensors.
        labels_N: Words; negative where there is none.
        label_smoothing: Share of the target probability that is spread over all words.
        chunk_scores: Scores that are there at once; None takes the device's.
    """
    device = hidden_NH.device.type
    dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else hidden_NH.dtype
    most = head.chunk_scores if chunk_scores is None else chunk_scores
    how = _How(label_smoothing, max(1, most // len(head.weight_VH)), dtype)
    nats_N: torch.Tensor = _ChunkedNats.apply(hidden_NH, *head, labels_N, how)  # type: ignore[no-untyped-call]
    return nats_N


class _ChunkedNats(torch.autograd.Function):
    @staticmethod
    def forward(  # noqa: PLR0913  # autograd takes what has a gradient, or none, one by one
        ctx: Any,
        hidden_NH: torch.Tensor,
        weight_VH: torch.Tensor,
        bias_V: torch.Tensor | None,
        labels_N: torch.Tensor,
        how: _How,
    ) -> torch.Tensor:
        hidden_grad, *head_grads = ctx.needs_input_grad[:3]
        ctx.how, ctx.head_is_trained = how, any(head_grads)
        ctx.dtypes = hidden_NH.dtype, weight_VH.dtype
        # one by one, and not again in the backward pass
        at_once = hidden_grad and not ctx.head_is_trained
        wide = torch.promote_types(how.dtype, torch.float32)
        nats_N = hidden_NH.new_empty(len(hidden_NH), dtype=wide)
        grad_NH = hidden_NH.new_empty(hidden_NH.shape, dtype=how.dtype) if at_once else None
        with torch.autocast(hidden_NH.device.type, enabled=False):
            cast = _cast(weight_VH, bias_V, how.dtype)
            for rows in _chunks(len(hidden_NH), how.rows):
                chunk = _Chunk.of(hidden_NH[rows].to(how.dtype), cast, labels_N[rows], wide)
                nats_N[rows] = chunk.nats(how.label_smoothing)
                if grad_NH is not None:
                    grad_CV = chunk.gradient(how.label_smoothing).to(how.dtype)
                    torch.mm(grad_CV, cast.weight_VH, out=grad_NH[rows])
        ctx.save_for_backward(*((grad_NH,) if at_once else (hidden_NH, weight_VH, bias_V, labels_N)))
        return nats_N

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_N: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        hidden_dtype, _ = ctx.dtypes
        if not ctx.head_is_trained:
            (grad_NH,) = ctx.saved_tensors
            scaled_NH = grad_NH * grad_N[:, None].to(grad_NH.dtype)
            return scaled_NH.to(hidden_dtype), None, None, None, None
        with torch.autocast(grad_N.device.type, enabled=False):
            return *_recomputed(ctx, grad_N), None, None


def _recomputed(ctx: Any, grad_N: torch.Tensor) -> tuple[torch.Tensor | None, torch.Tensor | None, torch.Tensor | None]:
    """Gradients for hidden states, weight and bias of a head that is trained."""
    hidden_NH, weight_VH, bias_V, labels_N = ctx.saved_tensors
    needs_hidden, needs_weight, needs_bias = ctx.needs_input_grad[:3]
    how: _How = ctx.how
    wide = torch.promote_types(how.dtype, torch.float32)
    cast = _cast(weight_VH, bias_V, how.dtype)
    hidden_grad = torch.empty_like(hidden_NH) if needs_hidden else None
    weight_grad = torch.zeros_like(weight_VH) if needs_weight else None
    bias_grad = torch.zeros_like(bias_V, dtype=wide) if needs_bias else None
    for rows in _chunks(len(hidden_NH), how.rows):
        hidden_CH = hidden_NH[rows].to(how.dtype)
        grad_CV = _Chunk.of(hidden_CH, cast, labels_N[rows], wide).gradient(how.label_smoothing)
        grad_CV.mul_(grad_N[rows, None])
        if bias_grad is not None:
            bias_grad.add_(grad_CV.sum(0))
        narrow_CV = grad_CV.to(how.dtype)
        if hidden_grad is not None:
            hidden_grad[rows] = torch.mm(narrow_CV, cast.weight_VH)
        if weight_grad is None:
            continue
        if weight_grad.dtype == how.dtype:
            weight_grad.addmm_(narrow_CV.T, hidden_CH)
        else:
            # sums of chunks are kept as precise as the weight
            weight_grad.add_(torch.mm(narrow_CV.T, hidden_CH))
    return hidden_grad, weight_grad, None if bias_grad is None else bias_grad.to(bias_V.dtype)


class _Chunk(NamedTuple):
    """A few tokens' scores, with what their loss is made of.

    Attributes:
        shares_CV: Exponentials of the scores, below the largest of each token; in float32 at least.
        sum_C1: Of them.
        label_C1: The label's score, below the largest.
        mean_C1: That of all words.
        words_C1: The label, 0 where there is none.
        has_label_C1: Whether there is one.
    """

    shares_CV: torch.Tensor
    sum_C1: torch.Tensor
    label_C1: torch.Tensor
    mean_C1: torch.Tensor
    words_C1: torch.Tensor
    has_label_C1: torch.Tensor

    @staticmethod
    def of(hidden_CH: torch.Tensor, head: OutputLayer, labels_C: torch.Tensor, wide: torch.dtype) -> "_Chunk":
        scores_CV = linear(hidden_CH, *head).to(wide)
        scores_CV.sub_(scores_CV.amax(-1, keepdim=True))
        labels_C1 = labels_C[:, None]
        words_C1 = labels_C1.clamp(min=0)
        label_C1, mean_C1 = scores_CV.gather(1, words_C1), scores_CV.mean(-1, keepdim=True)
        # in place: there is one tensor of this size
        shares_CV = scores_CV.exp_()
        return _Chunk(shares_CV, shares_CV.sum(-1, keepdim=True), label_C1, mean_C1, words_C1, labels_C1 >= 0)

    def nats(self, smoothing: float) -> torch.Tensor:
        """Of each token (C)."""
        log_sum_C1 = self.sum_C1.log()
        nats_C1 = log_sum_C1 - self.label_C1
        if smoothing:
            nats_C1 = (1 - smoothing) * nats_C1 + smoothing * (log_sum_C1 - self.mean_C1)
        return torch.where(self.has_label_C1, nats_C1, 0.0).squeeze(1)

    def gradient(self, smoothing: float) -> torch.Tensor:
        """Of each token's nats for its scores, in the place of the shares (C, V)."""
        grad_CV = self.shares_CV.div_(self.sum_C1)
        grad_CV.scatter_add_(1, self.words_C1, torch.full_like(self.sum_C1, smoothing - 1.0))
        if smoothing:
            grad_CV.sub_(smoothing / grad_CV.shape[1])
        # not multiplied: what is not finite stays where it has a label
        return grad_CV.masked_fill_(~self.has_label_C1, 0.0)


def _cast(weight_VH: torch.Tensor, bias_V: torch.Tensor | None, dtype: torch.dtype) -> OutputLayer:
    return OutputLayer(weight_VH.to(dtype), None if bias_V is None else bias_V.to(dtype))


def _chunks(num_rows: int, rows: int) -> Iterator[slice]:
    return (slice(start, min(start + rows, num_rows)) for start in range(0, num_rows, rows))
