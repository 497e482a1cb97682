"""What a store raises, as one sentence: it does not answer, or it says no."""

from collections.abc import Iterator
from contextlib import contextmanager

from slimtune.training.errors import StoreError
from slimtune.training.tracking.line import TrackerAway, first_line, is_not_there, is_refusal
from slimtune.training.tracking.uri import told_uri, without_password, without_secrets


class StoreRefusal(StoreError):
    """A store answers, and says no.

    Attributes:
        reason: Its own words.
        is_not_there: Whether that is because there is no such thing.
    """

    def __init__(self, uri: str, error: Exception) -> None:
        self.reason, self.is_not_there = first_line(error, uri), is_not_there(error)
        super().__init__(f"{without_password(uri)} refuses what it was asked: {self.reason}")


@contextmanager
def answering(uri: str) -> Iterator[None]:
    """Around whatever a store is asked for: nobody takes one that is away for one that says "there is none".

    Raises:
        TrackerAway: It does not answer.
        StoreRefusal: It says no.
    """
    try:
        yield
    except Exception as error:
        if not _is_of_store(error):
            raise
        if is_refusal(error):
            raise StoreRefusal(uri, error) from error
        raise silent(uri, error) from error


def _is_of_store(error: Exception) -> bool:
    """Whether MLflow raised it, or its store of artifacts, which lets errors of `requests` through."""
    is_http = isinstance(error, OSError) and hasattr(error, "response")
    return is_http or isinstance(getattr(error, "error_code", None), str)


def silent(uri: str, error: Exception) -> TrackerAway:
    """What is raised for a store that raised something else than an answer."""
    return away(uri, first_line(error))


def away(uri: str, why: str) -> TrackerAway:
    """What is raised for a store that does not answer, with the reason."""
    return TrackerAway(f"{told_uri(uri)}, which does not answer: {without_secrets(why, uri)}")
