"""Every error that a person can cause, in one tree.

SlimtuneError
├── UserError           bad input: one message, exit code 2
│   ├── ConfigError     a key of the config, all problems at once
│   ├── DataError       a file or its rows
│   ├── ModelError      a checkpoint, a model name, a bundle
│   │   └── UntrustedError  its files name code of somebody else
│   └── StoreError      a sweep's folder, a storage or a tracking URL
└── TrialError          ends one trial, never the sweep
    └── Diverged        loss or gradient is not finite
"""

from collections.abc import Sequence


class SlimtuneError(Exception):
    """Root of everything that slimtune raises on purpose."""


class UserError(SlimtuneError):
    """Bad input. The message names key, value, rule and repair."""


class ConfigError(UserError):
    """Problems of a config, all of them.

    Attributes:
        problems: One sentence a problem: key, value, rule and repair.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        head = "1 problem in the config" if len(problems) == 1 else f"{len(problems)} problems in the config"
        super().__init__("\n".join([head + ":", *(f"  - {problem}" for problem in problems)]))

    def __reduce__(self) -> tuple[type["ConfigError"], tuple[tuple[str, ...]]]:
        # exceptions are pickled by their args; ours are rendered text
        return (type(self), (self.problems,))


class DataError(UserError):
    """A data file is missing, broken, or its rows do not fit the task."""


class ModelError(UserError):
    """A model, checkpoint or bundle cannot be found, read or trusted."""


class UntrustedError(ModelError):
    """A model's files name code that would be run, and nobody said that they are to be trusted."""


class StoreError(UserError):
    """A sweep's storage or the tracking store cannot be used as asked."""


class TrialError(SlimtuneError):
    """Ends one trial; the sweep continues."""


class Diverged(TrialError):
    """The loss or the gradient of a trial is not finite."""
