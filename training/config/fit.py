"""The type of the config's section `fit`. Values live in `conf/fit/`; nothing here has a default."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from slimtune.training.config.schema import Rule, above_zero, not_negative, seed, share


class Precision(Enum):
    """Arithmetic of the forward and backward pass; `auto` takes bf16 where the device computes in it natively."""

    auto = "auto"
    fp32 = "fp32"
    bf16 = "bf16"
    fp16 = "fp16"


class Schedule(Enum):
    """How the learning rate moves after the warm-up."""

    linear = "linear"
    cosine = "cosine"
    constant = "constant"


class OptimizerName(Enum):
    """What moves the weights: PyTorch's, and for the moments in 8 bits or in pages of host memory bitsandbytes'."""

    adamw = "adamw"
    adamw_8bit = "adamw_8bit"
    paged_adamw = "paged_adamw"
    paged_adamw_8bit = "paged_adamw_8bit"
    adafactor = "adafactor"


AUTO = "auto"


def is_auto_or_count(value: Any) -> bool:
    """Whether a value is the word `auto` or a whole number above 0."""
    return value == AUTO or (isinstance(value, int) and not isinstance(value, bool) and value > 0)


def is_auto_or_bool(value: Any) -> bool:
    """Whether a value is the word `auto`, true or false."""
    return value == AUTO or isinstance(value, bool)


def names_target(value: Any) -> bool:
    """Whether a value names code of the user's own, with its arguments beside."""
    return isinstance(value, Mapping) and isinstance(value.get("_target_"), str)


@dataclass(slots=True, kw_only=True)
class FitConfig:
    """How a trial trains: its hyperparameters, its device and its evaluations.

    Attributes:
    learning_rate: Peak learning rate.
    batch_size: Rows an optimizer step averages over.
    micro_batch_size: Rows in memory at once; `auto` is the batch size, halved whenever memory was too small. The
        result does not depend on it.
    epochs: Passes over the training rows; may be a fraction.
    max_steps: Optimizer steps after which to stop even if epochs are left; null is no limit.
    optimizer: What moves the weights.
    head_lr_ratio: The learning rate of layers that the checkpoint lacked, over that of the others.
    loraplus_lr_ratio: The learning rate of LoRA's B over that of A (Hayou et al. 2024,
        https://arxiv.org/abs/2402.12354).
    schedule: Learning rate after the warm-up.
    warmup_share: Share of the steps in which the learning rate rises linearly from 0.
    weight_decay: Decoupled decay (AdamW) of matrices; biases and norms are spared.
    max_grad_norm: Global gradient norm above which gradients are scaled down; null does not clip.
    label_smoothing: Share of the target probability spread over all classes.
    gradient_checkpointing: Compute the layers' activations again in the backward pass instead of keeping them: less
        memory, a third more time. Such a trial shares no passes.
    precision: What the model computes in.
    device: `auto`, `cpu`, `cuda` or `cuda:<index>`.
    devices: Processes that train the trial together, each on rows of its own, with a device or a share of the cores
        each. But for dropout, the result does not depend on it.
    fsdp: Share the weights, gradients and moments out over `devices` instead of a copy on each: less memory, more
        messages. The weights alone must fit on one device, where the model is evaluated.
    threads: CPU threads of one worker; null shares the cores among the workers.
    slots: Trials that one worker trains at once on one base; null times what is faster, once for a machine.
    compile: Whether torch.compile makes the layers' forward and backward pass; null compiles trials of 20,000 steps or
        more. A compiled trial shares no passes.
    cuda_graphs: Whether a step whose shape comes often enough is launched as one CUDA graph; rows are then filled up to
        the lengths of a few buckets. `auto` does so on a GPU, where nothing stands against it; `true` keeps the fixed
        shapes elsewhere too, without graphs. A run's tag says why there is none.
    row_packing: Whether short examples of a micro-batch share rows of up to `data.max_length` tokens, in tasks of next
        tokens; attention does not cross from one to the next, and a batch is the same examples as ever. `auto` does so
        where it saves a tenth of a step or more and the model keeps examples apart; a run's tag says why not. But
        for rounding and dropout, the result does not depend on it.
    eval_every: Training examples between evaluations; below 1 a share of an epoch; null is once an epoch.
    eval_steps: Optimizer steps between evaluations, in place of `eval_every`; null goes by that.
    save_steps: Optimizer steps between checkpoints that are kept beside the best one, in `steps/` of the trial's
        folder; a multiple of `eval_steps`, so that each has its scores. Null keeps the best one alone.
    eval_batch_size: Rows of one evaluation batch; null is as many as the device runs well.
    max_memory_mb: Memory in 10^6 bytes that the process may take on its device; null is what is free. A trial that
        needs more is not begun, and recorded as out of memory.
    save_minutes: Minutes between saves of the state that a killed trial resumes from; null saves none. The result does
        not depend on it.
    patience: Evaluations without improvement after which the trial stops; null never stops early.
    min_improvement: Smallest gain of the metric that counts as improvement.
    augment: `{_target_: <dotted path>, ...}` of a function of your own that changes a training row each time that it
        comes up: called with the row and a `numpy.random.Generator` drawn from `seed`, it gives a row. Null takes rows
        as they stand.
    seed: Fixes initialisation, data order and dropout.
    """

    learning_rate: float = field(metadata=above_zero("2e-4"))
    batch_size: int = field(metadata=above_zero(16))
    micro_batch_size: Any = field(
        metadata={"rule": Rule("use auto or a whole number above 0, e.g. 8", is_auto_or_count)}
    )
    epochs: float = field(metadata=above_zero(3))
    max_steps: int | None = field(metadata=above_zero(500))
    optimizer: OptimizerName
    head_lr_ratio: float = field(metadata=above_zero(5))
    loraplus_lr_ratio: float = field(metadata=above_zero(16))
    schedule: Schedule
    warmup_share: float = field(metadata=share(0.06))
    weight_decay: float = field(metadata=not_negative(0.01))
    max_grad_norm: float | None = field(metadata=above_zero(1.0))
    label_smoothing: float = field(metadata=share(0.1))
    gradient_checkpointing: bool
    precision: Precision
    device: str
    devices: int = field(metadata=above_zero(2))
    fsdp: bool
    threads: int | None = field(metadata=above_zero(2))
    slots: int | None = field(
        metadata={"rule": Rule("use a number from 1 to 64, e.g. 4", lambda value: 1 <= value <= 64)}
    )
    compile: bool | None
    cuda_graphs: Any = field(metadata={"rule": Rule("use auto, true or false", is_auto_or_bool)})
    row_packing: Any = field(metadata={"rule": Rule("use auto, true or false", is_auto_or_bool)})
    eval_every: float | None = field(metadata=above_zero(1000))
    eval_steps: int | None = field(metadata=above_zero(50))
    save_steps: int | None = field(metadata=above_zero(100))
    eval_batch_size: int | None = field(metadata=above_zero(64))
    max_memory_mb: float | None = field(metadata=above_zero(8000))
    save_minutes: float | None = field(metadata=not_negative(5))
    patience: int | None = field(metadata=above_zero(3))
    min_improvement: float = field(metadata=not_negative(0.001))
    augment: Any = field(metadata={"rule": Rule("use {_target_: package.module.function}, or null", names_target)})
    seed: int = field(metadata=seed())

    @property
    def rows_at_once(self) -> int:
        """Rows of a micro-batch, while memory is enough."""
        return self.batch_size if self.micro_batch_size == AUTO else int(self.micro_batch_size)

    def examples_between_evaluations(self, num_rows: int) -> int:
        """Training examples until the first evaluation, and until the next one, of `num_rows` training rows."""
        if self.eval_steps is not None:
            return self.examples_after(self.eval_steps, num_rows)
        every = num_rows if self.eval_every is None else self.eval_every
        return max(1, round(every * num_rows if every < 1 else every))

    def examples_after(self, num_steps: int, num_rows: int) -> int:
        """Training examples of so many steps: the last batch of an epoch may be smaller."""
        whole, rest = divmod(num_steps, math.ceil(num_rows / self.batch_size))
        return whole * num_rows + min(rest * self.batch_size, num_rows)
