"""Every error that a person can cause, in one tree.

SlimtuneError
├── UserError           bad input: one message, exit code 2
│   ├── ConfigError     a key of the config, all problems at once
│   ├── DataError       a file or its rows
│   │   ├── NoColumn        a row lacks a column
│   │   └── DataProblems    several faults of files and rows, found in one reading
│   ├── ModelError      a checkpoint, a model name, a bundle
│   │   └── UntrustedError  its files name code of somebody else
│   ├── StoreError      a sweep's folder, a storage or a tracking URL
│   ├── NotPromoted     `promote` or `rollback` moves no alias; exit code 3
│   └── Problems        several of these, found together before the first trial
├── SweepStopped        somebody has stopped the sweep; it can be resumed
└── TrialError          ends one trial, never the sweep
    └── Diverged        loss or gradient is not finite
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NoReturn

from slimtune.training.listed_names import counted


class SlimtuneError(Exception):
    """Root of everything that slimtune raises on purpose."""


class UserError(SlimtuneError):
    """Bad input. The message names key, value, rule and repair.

    Attributes:
        rest: Finds what else is wrong, which takes seconds; a command tells the message before.
    """

    rest: Callable[[], Sequence["UserError"]] | None = None


class ConfigError(UserError):
    """Problems of a config, all of them.

    Attributes:
        problems: One sentence a problem: key, value, rule and repair.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        head = counted(len(problems), "problem in the config", "problems in the config")
        super().__init__("\n".join([head + ":", *(f"  - {problem}" for problem in problems)]))

    def __reduce__(self) -> tuple[type["ConfigError"], tuple[tuple[str, ...]]]:
        # exceptions are pickled by their args; ours are rendered text
        return (type(self), (self.problems,))


class DataError(UserError):
    """A data file is missing, broken, or its rows do not fit the task."""


class NoColumn(DataError):
    """A row lacks a column.

    Attributes:
        column: Its name.
    """

    def __init__(self, text: str, column: str) -> None:
        self.column = column
        super().__init__(text)

    def __reduce__(self) -> tuple[type["NoColumn"], tuple[str, str]]:
        return (type(self), (str(self), self.column))


class DataProblems(DataError):
    """Several faults of files and rows.

    Attributes:
        problems: One sentence a kind of fault.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__(
            "\n".join([f"{len(problems)} problems in the data:", *(f"  - {problem}" for problem in problems)])
        )

    def __reduce__(self) -> tuple[type["DataProblems"], tuple[tuple[str, ...]]]:
        return (type(self), (self.problems,))


class ModelError(UserError):
    """A model, checkpoint or bundle cannot be found, read or trusted."""


class UntrustedError(ModelError):
    """A model's files name code that would be run, and nobody said that they are to be trusted."""


class StoreError(UserError):
    """A sweep's storage or the tracking store cannot be used as asked."""


class SweepStopped(SlimtuneError):
    """A sweep was stopped by `slimtune stop` or Ctrl-C. What is done is kept, and the same command resumes it."""


class NotPromoted(UserError):
    """A model does not get the alias that was asked for, and the message says why; the command itself was right."""


class Problems(UserError):
    """Several errors that were found before the first trial.

    Attributes:
        problems: One sentence a problem.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        head = f"{len(problems)} problems, found before the first trial:"
        super().__init__("\n".join([head, *(f"  - {problem}" for problem in problems)]))

    def __reduce__(self) -> tuple[type["Problems"], tuple[tuple[str, ...]]]:
        # as above
        return (type(self), (self.problems,))


def sentences(error: UserError) -> tuple[str, ...]:
    """One for each problem that an error tells."""
    problems: tuple[str, ...] | None = getattr(error, "problems", None)
    return problems or (str(error),)


def check_all(checks: Iterable[Callable[[], object]]) -> None:
    """Run every check, whatever the others find.

    Raises:
        UserError: What one of them found, or all that several did.
    """
    raise_all(found_by(checks))


def found_by(checks: Iterable[Callable[[], object]]) -> list[UserError]:
    """What the checks raise; each of them is run."""
    errors: list[UserError] = []
    remaining = iter(checks)
    while True:
        try:
            # finding the next one may fail as well, which is the last that is heard of it
            check = next(remaining, None)
            if check is None:
                break
            check()
        except UserError as error:
            errors.append(error)
        except OSError as error:
            from slimtune.training.broken_files import refused_place

            told = refused_place(error)
            if told is None:
                raise
            errors.append(UserError(told))
    return errors


def raise_all(errors: Sequence[UserError], *, rest: Callable[[], Sequence[UserError]] | None = None) -> None:
    """Nothing for none.

    Args:
        errors: In the order in which they are told.
        rest: Finds what else is wrong, and takes seconds.

    Raises:
        UserError: The only one, or all that several tell.
    """
    if errors:
        error = _one_of(errors)
        error.rest = rest
        raise error


def raise_whole(error: UserError) -> NoReturn:
    """Raise it with all that else is wrong.

    Raises:
        UserError: Always.
    """
    others = () if error.rest is None else error.rest()
    raise _one_of([error, *others]) from error.__cause__


def sentences_left(error: UserError) -> list[str]:
    """What is wrong beside what the error says."""
    others = () if error.rest is None else error.rest()
    said = set(sentences(error))
    return list(dict.fromkeys(problem for other in others for problem in sentences(other) if problem not in said))


def _one_of(errors: Sequence[UserError]) -> UserError:
    said = [sentences(error) for error in errors]
    problems = list(dict.fromkeys(problem for one in said for problem in one))
    return errors[0] if problems == list(said[0]) else Problems(problems)


class TrialError(SlimtuneError):
    """Ends one trial; the sweep continues."""


class Diverged(TrialError):
    """The loss or the gradient of a trial is not finite."""


def is_out_of_memory(error: Exception) -> bool:
    """Whether memory, on the device or on the host, was too small; the CPU allocator has no exception of its own."""
    # PyTorch's by its name: a config error need not wait for PyTorch
    kinds = {kind.__name__ for kind in type(error).__mro__}
    return bool(kinds & {"MemoryError", "OutOfMemoryError"}) or "can't allocate memory" in str(error)
