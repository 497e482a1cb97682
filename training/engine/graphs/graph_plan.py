"""Whether a trial's steps are of fixed shapes, and what stands against taking them as CUDA graphs."""

from typing import Any, NamedTuple

from slimtune.training.config.fit import AUTO, FitConfig, Precision
from slimtune.training.hardware.resources import Resources
from slimtune.training.methods.quantized import has_quantized


class GraphPlan(NamedTuple):
    """How a trial's steps are taken.

    Attributes:
        is_static: Whether rows are filled up to the lengths of buckets and passes read tensors that stay where they
            are. A trial's numbers depend on this, and not on what was captured when.
        reason: Why no step becomes a graph; None where those that pay do.
    """

    is_static: bool
    reason: str | None

    @property
    def told(self) -> str:
        """For the run."""
        return "true" if self.reason is None else f"false: {self.reason}"


def graph_plan(fit: FitConfig, resources: Resources, model: Any, *, is_compiled: bool) -> GraphPlan:
    """What `fit.cuda_graphs` comes to for a trial on this device."""
    if fit.cuda_graphs is False:
        return GraphPlan(is_static=False, reason="fit.cuda_graphs is false")
    reason = _uneven(fit, resources, is_compiled=is_compiled)
    if reason is not None:
        return GraphPlan(is_static=False, reason=reason)
    reason = _uncapturable(resources, model)
    return GraphPlan(is_static=reason is None or fit.cuda_graphs != AUTO, reason=reason)


def _uneven(fit: FitConfig, resources: Resources, *, is_compiled: bool) -> str | None:
    """Why a step is more than tensors of fixed shapes."""
    if fit.fsdp:
        return "a layer's weights come from several devices in each pass"
    if resources.precision is Precision.fp16:
        return "the gradient scale of fp16 is read in each step"
    # layers are compiled before a capture, by the passes that warm it up; it was tried without a GPU alone
    return "the trial is compiled; fit.cuda_graphs=true takes both" if is_compiled and fit.cuda_graphs == AUTO else None


def _uncapturable(resources: Resources, model: Any) -> str | None:
    if resources.device.type != "cuda":
        return f"the device is {resources.device.type}"
    if has_quantized(model):
        return "bitsandbytes' layers read the device"
    return None
