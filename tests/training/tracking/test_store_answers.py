"""A store that does not answer is told apart from one that says no, whatever it is asked."""

from collections.abc import Callable
from typing import Any

import pytest
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import (
    INTERNAL_ERROR,
    INVALID_PARAMETER_VALUE,
    RESOURCE_DOES_NOT_EXIST,
    TEMPORARILY_UNAVAILABLE,
)
from requests import ConnectionError as NoConnection

from slimtune.export.registry import aliases, mlflow_registry, version_notes
from slimtune.export.registry.aliases import drop_alias, history_of, set_alias
from slimtune.export.registry.mlflow_registry import (
    RegisteredVersion,
    alias_version,
    fetch_folder,
    find_version,
    holder,
    model_tags,
    put_name,
    registered_as,
)
from slimtune.export.registry.version_notes import (
    describe_version,
    log_report,
    names_of,
    tag_version,
    version_tags,
    versions_of_run,
)
from slimtune.sweeper.cli import main
from slimtune.training.errors import ModelError, StoreError
from slimtune.training.tracking import mlflow_runs
from slimtune.training.tracking.line import TrackerAway
from slimtune.training.tracking.mlflow_runs import answer_of
from slimtune.training.tracking.store_answers import StoreRefusal, answering
from tests.export.promotion.test_gate import make

VERSION = RegisteredVersion("a", "1")
# of a registry
ASKED: list[Callable[[str], Any]] = [
    lambda uri: find_version(uri, "models:/a/1"),
    lambda uri: find_version(uri, "models:/a@champion"),
    lambda uri: fetch_folder(uri, "models:/a/1"),
    lambda uri: holder(uri, "a", "champion"),
    lambda uri: model_tags(uri, "a"),
    lambda uri: alias_version(uri, "a", "champion"),
    lambda uri: registered_as(uri, make(0.5), "a"),
    lambda uri: put_name(uri, "a"),
    lambda uri: history_of(uri, "a"),
    lambda uri: set_alias(uri, VERSION, "champion"),
    lambda uri: drop_alias(uri, "a", "champion"),
    lambda uri: names_of(uri, make(0.5)),
    lambda uri: versions_of_run(uri, "r"),
    lambda uri: version_tags(uri, VERSION),
    lambda uri: tag_version(uri, VERSION, {"a": "b"}),
    lambda uri: describe_version(uri, VERSION, "text", heading="## Gate"),
    lambda uri: log_report(uri, VERSION, {}),
]


class Failing:
    """In the place of MLflow's client: whatever it is asked ends alike; searches may find nothing instead."""

    def __init__(self, error: Exception, *, searches: bool = True) -> None:
        self._error, self._searches = error, searches

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def fail(*_: object, **__: object) -> list[Any]:
            if name.startswith("search") and not self._searches:
                return []
            raise self._error

        return fail


def put(monkeypatch: pytest.MonkeyPatch, client: Failing) -> None:
    for module in (mlflow_runs, mlflow_registry, version_notes, aliases):
        monkeypatch.setattr(module, "client_of", lambda _: client)


@pytest.mark.parametrize("ask", ASKED)
def test_an_outage_is_never_there_is_none(ask: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor a traceback: one sentence, without the password."""
    error = MlflowException("API request failed: no connection to http://me:pw@host", error_code=INTERNAL_ERROR)
    put(monkeypatch, Failing(error))
    with pytest.raises(TrackerAway, match=r"^tracking\.uri is '.*', which does not answer: API request") as told:
        ask("http://me:pw@host")
    assert "pw" not in str(told.value)


@pytest.mark.parametrize("source", ["models:/a/1", "models:/a@champion"])
def test_a_registry_that_has_no_such_version_says_so(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    put(monkeypatch, Failing(MlflowException("no a", error_code=RESOURCE_DOES_NOT_EXIST), searches=False))
    with pytest.raises(ModelError, match=r"^models:/a.* is not in the registry at http://host \(no a\); registered"):
        find_version("http://host", source)


@pytest.mark.parametrize("source", ["models:/a", "models:/a/latest", "models:/a@", "models:/", "models:/@champion"])
def test_a_name_without_a_version_is_told_as_that(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """MLflow would say that a parameter of its own is missing."""
    put(monkeypatch, Failing(MlflowException("no a", error_code=RESOURCE_DOES_NOT_EXIST), searches=False))
    with pytest.raises(
        ModelError, match=rf"^{source} names no version; registered models: none. Write models:/<name>@"
    ):
        find_version("http://host", source)


def test_what_a_registry_refuses_is_told_in_its_words(monkeypatch: pytest.MonkeyPatch) -> None:
    put(monkeypatch, Failing(MlflowException("that is too long", error_code=INVALID_PARAMETER_VALUE)))
    with pytest.raises(StoreRefusal, match=r"^http://host refuses what it was asked: that is too long$"):
        tag_version("http://host", VERSION, {"a": "b"})
    with pytest.raises(StoreError, match=r"^the registry takes no new names: that is too long$"):
        put_name("http://host", "a")


@pytest.mark.parametrize(
    "error", [NoConnection("refused"), MlflowException("wait", error_code=TEMPORARILY_UNAVAILABLE)]
)
def test_all_that_a_store_raises_without_an_answer_is_an_outage(error: Exception) -> None:
    """Also where a file is sent to its artifacts, of which MLflow does not take the errors."""
    with pytest.raises(TrackerAway, match="which does not answer"), answering("http://host"):
        raise error


def test_none_is_what_a_store_has_not(monkeypatch: pytest.MonkeyPatch) -> None:
    put(monkeypatch, Failing(MlflowException("no", error_code=RESOURCE_DOES_NOT_EXIST)))
    assert answer_of("http://host", lambda client: client.get_run("r")) is None


@pytest.mark.parametrize(
    "command",
    [
        ["predict", "--model", "models:/a@champion", "--text", "x"],
        ["promote", "models:/a/1"],
        ["history", "a"],
        ["rollback", "a"],
    ],
)
def test_a_command_that_meets_an_outage_says_so(
    command: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    put(monkeypatch, Failing(MlflowException("no connection", error_code=INTERNAL_ERROR)))
    assert main([*command, "--tracking-uri", "http://host:1"]) == 2
    said = capsys.readouterr().err
    assert said == "slimtune: tracking.uri is 'http://host:1', which does not answer: no connection\n"
