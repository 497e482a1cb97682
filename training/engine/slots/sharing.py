"""Which trials may be under way at once, by their configs."""

from slimtune.training.config.fit import FitConfig
from slimtune.training.config.method import LoraMethod
from slimtune.training.config.trial import TrialConfig


def can_share(config: TrialConfig, first: TrialConfig) -> bool:
    """Whether a trial may share the base with one under way; what only the model can tell is seen later."""
    method = config.method
    plain = isinstance(method, LoraMethod) and method.dropout == 0 and not method.mutates_base
    ours, theirs = ((one.task, one.data, one.model, *_shared_settings(one.fit)) for one in (config, first))
    return plain and ours == theirs


def _shared_settings(fit: FitConfig) -> tuple[object, ...]:
    """What a pass has once for all of its trials."""
    return fit.precision, fit.device, fit.threads, fit.slots, fit.cuda_graphs
