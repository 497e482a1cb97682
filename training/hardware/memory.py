"""What a trial needs of memory at the least, told before it starts, beside what is free."""

# B rows, T tokens, H features of a layer, L layers, V vocabulary

from pathlib import Path
from typing import Any, NamedTuple

import psutil
import torch
from torch import nn

from slimtune.training.config.fit import FitConfig, OptimizerName
from slimtune.training.distributed.sharding import local_part

MB = 1e6
# bytes of an optimizer's state for a trained weight
STATE_BYTES = {
    OptimizerName.adamw: 8.0,
    OptimizerName.adamw_8bit: 2.0,
    OptimizerName.paged_adamw: 0.0,
    OptimizerName.paged_adamw_8bit: 0.0,
    OptimizerName.adafactor: 0.0,
}
# vectors of H that a layer keeps of a token for its backward pass, at the least (Korthikanti et al. 2022,
# https://arxiv.org/abs/2205.05198, counts 17 of 16 bits), and with gradient checkpointing
KEPT_VECTORS, FORGOTTEN_VECTORS = 8, 1
CGROUP = Path("/sys/fs/cgroup")


class MemoryNeed(NamedTuple):
    """Bytes that training takes beside the weights that are there, at the least.

    Attributes:
        gradients: Of the trained weights.
        optimizer: Its moments.
        activations: Of one micro-batch.
        rows: Rows of that.
        tokens: Tokens of the longest row.
    """

    gradients: float
    optimizer: float
    activations: float
    rows: int
    tokens: int

    @property
    def total(self) -> float:
        """All of it."""
        return self.gradients + self.optimizer + self.activations

    def __str__(self) -> str:
        return (
            f"{self.total / MB:,.0f} MB (gradients {self.gradients / MB:,.0f}, optimizer {self.optimizer / MB:,.0f}, "
            f"activations of {self.rows} x {self.tokens} tokens {self.activations / MB:,.0f})"
        )


def need_of(model: nn.Module, fit: FitConfig, *, rows: int, tokens: int) -> MemoryNeed:
    """A lower bound: what is refused for it cannot run."""
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    num_trained = sum(local_part(parameter).numel() for parameter in trained)
    gradients = sum(local_part(parameter).numel() * parameter.element_size() for parameter in trained)
    # of several parts, that which reads the text; one of another kind is not counted
    own: Any = model.config
    config: Any = own.get_text_config()
    vectors = FORGOTTEN_VECTORS if fit.gradient_checkpointing else KEPT_VECTORS
    # in 16 bits at the least, and no layer below the first trained one keeps anything
    width = getattr(config, "hidden_size", 0)
    activations = 2.0 * rows * tokens * width * vectors * _trained_layers(model, config)
    return MemoryNeed(gradients, num_trained * STATE_BYTES[fit.optimizer], activations, rows, tokens)


def _trained_layers(model: nn.Module, config: Any) -> int:
    """Layers from the lowest trained one up; the head alone keeps nothing of them."""
    depth = int(getattr(config, "num_hidden_layers", 0))
    trained = (name for name, parameter in model.named_parameters() if parameter.requires_grad)
    # the first number of a name is the layer's, others are of parts of it
    numbers = [next((int(part) for part in name.split(".") if part.isdigit()), depth) for name in trained]
    return max(0, depth - min(numbers, default=depth))


def empty_cache() -> None:
    """Give memory that PyTorch keeps for later back to the GPU."""
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def free_bytes(device: torch.device, *, most_mb: float | None) -> float:
    """What this process may still take on the device; at most `most_mb` in all."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        taken = torch.cuda.memory_allocated(device)
        # what PyTorch has reserved and does not use is free too
        free += torch.cuda.memory_reserved(device) - taken
    else:
        free = min(psutil.virtual_memory().available, _container_free())
        taken = psutil.Process().memory_info().rss
    return float(free) if most_mb is None else min(float(free), most_mb * MB - taken)


def _container_free() -> float:
    """Of the control group's limit, as a container has one."""
    try:
        limit, taken = ((CGROUP / name).read_text().strip() for name in ("memory.max", "memory.current"))
        # caches of files give way
        caches = dict(line.split() for line in (CGROUP / "memory.stat").read_text().splitlines())
        return float(limit) - float(taken) + float(caches.get("file", 0))
    except (OSError, ValueError):
        return float("inf")


def check_need(need: MemoryNeed, device: torch.device, *, most_mb: float | None) -> None:
    """Refuse what cannot fit.

    Raises:
        MemoryError: It does not; the message has the numbers.
    """
    free = free_bytes(device, most_mb=most_mb)
    if need.total > free:
        raise MemoryError(
            f"training takes at least {need} beside the model, and {_said(free, most_mb)}; use method=qlora, "
            "fit.gradient_checkpointing=true, a smaller model or data.max_length"
        )


def check_weights(model: nn.Module, num_bytes: float, device: torch.device, *, most_mb: float | None) -> None:
    """Refuse a model whose weights cannot fit; one without weights is enough.

    Args:
        model: Its parameters are counted.
        num_bytes: Of a weight.
        device: Where they are to be.
        most_mb: What the process may take in all.

    Raises:
        MemoryError: They do not; the message has the numbers.
    """
    wanted = sum(parameter.numel() for parameter in model.parameters()) * num_bytes
    free = free_bytes(device, most_mb=most_mb)
    if wanted > free:
        raise MemoryError(
            f"the model's weights take {wanted / MB:,.0f} MB, and {_said(free, most_mb)}; use method=qlora, or a "
            "smaller model"
        )


def _said(free: float, most_mb: float | None) -> str:
    left = f"{max(free, 0) / MB:,.0f} MB are"
    return f"{left} free" if most_mb is None else f"{left} left of fit.max_memory_mb={most_mb:g}"
