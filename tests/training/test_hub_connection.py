"""What cannot be had from the hub is told in a moment."""

import socket
from collections.abc import Iterator

import pytest
from huggingface_hub import constants

from slimtune.export.adapters.base import base_config
from slimtune.training import hub_connection
from slimtune.training.errors import ModelError
from slimtune.training.hub_connection import why_unreachable
from slimtune.training.models.loading import load_tokenizer

PROXIES = ("https_proxy", "http_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def online(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As where the offline switch is off and there is no proxy."""
    monkeypatch.setattr(constants, "is_offline_mode", lambda: False)
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    hub_connection._asked.cache_clear()
    yield
    hub_connection._asked.cache_clear()


def closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def test_a_hub_that_answers_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{server.getsockname()[1]}")
        assert why_unreachable() is None


def test_a_hub_is_asked_through_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the hub itself has no address."""
    monkeypatch.setattr(constants, "ENDPOINT", "https://hub.invalid")
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("https_proxy", f"127.0.0.1:{server.getsockname()[1]}")
        assert why_unreachable() is None
    hub_connection._asked.cache_clear()
    monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{closed_port()}")
    assert "(through the proxy 127.0.0.1): Connection refused" in str(why_unreachable())


def test_a_model_of_a_hub_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the retries of the hub's own client, which take minutes."""
    monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{closed_port()}")
    with pytest.raises(ModelError, match=r"is '7', which is no folder here, .* cannot be reached: Connection refused"):
        load_tokenizer(base_config("7", None))


def test_the_offline_switch_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "is_offline_mode", lambda: True)
    with pytest.raises(ModelError, match=r"is 'org/name', which is no folder here.* HF_HUB_OFFLINE is set; give a"):
        load_tokenizer(base_config("org/name", None))
