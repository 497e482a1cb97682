"""Whether a trial is long enough to earn torch.compile, and its model compiled."""

import logging
import shutil
from contextlib import AbstractContextManager, nullcontext
from importlib.util import find_spec
from typing import Any

import torch

from slimtune.training.config.fit import FitConfig
from slimtune.training.engine.cadence import Plan
from slimtune.training.errors import ConfigError
from slimtune.training.hardware.compilers import COMPILERS
from slimtune.training.hardware.resources import Resources
from slimtune.training.methods.modules import layer_stacks

# compiling took 111 s for MiniLM on two cores and saves a tenth to a sixth of a step (benchmarks/reports/step.md), so
# that it is earned after about 5,000 steps; a trial may be stopped long before its end
WORTH_STEPS = 20_000

log = logging.getLogger(__name__)


def is_worth_compiling(fit: FitConfig, plan: Plan, resources: Resources) -> bool:
    """What `fit.compile` says, or whether the trial is long enough, alone in its passes, and this machine can compile.

    A function of the plan and not of the time taken, so that a trial stays a function of its config.

    Raises:
        ConfigError: It was asked for, and a compiler is missing.
    """
    long = plan.num_train_steps >= WORTH_STEPS and fit.slots in (None, 1) and not fit.fsdp
    if not (long if fit.compile is None else fit.compile):
        return False
    missing = _missing(resources)
    if missing and fit.compile:
        raise ConfigError([f"fit.compile is true, but {missing}; install it or set fit.compile=false"])
    if missing:
        log.info("compile: %d steps would earn it, but %s", plan.num_train_steps, missing)
    return not missing


def compile_training(model: Any, backend: str = "inductor") -> None:
    """Compile the model's layers in place, for batches of any shape.

    They are alike, so that what is made for one serves all; a model without a list of layers is compiled whole.
    """
    layers = [layer for stack in layer_stacks(model) for layer in stack]
    for part in layers or [model]:
        part.compile(dynamic=True, backend=backend)


def as_written(model: Any) -> AbstractContextManager[None]:
    """Run the model without its compiled form: evaluation would have to be compiled for itself."""
    if all(getattr(part, "_compiled_call_impl", None) is None for part in model.modules()):
        return nullcontext()
    stance: AbstractContextManager[None] = torch.compiler.set_stance("force_eager")
    return stance


def _missing(resources: Resources) -> str | None:
    if not any(shutil.which(name) for name in COMPILERS):
        return "this machine has no C++ compiler"
    if resources.device.type == "cuda" and find_spec("triton") is None:
        return "the package triton is not there"
    return None
