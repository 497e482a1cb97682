"""What is said of a storage before anything is opened."""

from pathlib import Path

import pytest

from slimtune.sweeper.study.storages.loading import check_url
from slimtune.training.errors import StoreError


@pytest.mark.parametrize(
    "storage",
    [
        "sqlite:///study.db",
        "journal:///study.log",
        "grpc://h:13000",
        "postgresql://host/s",
        "mysql://host/s",
        "env:S",
    ],
)
def test_every_form_passes(storage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("S", "journal:///study.log")
    check_url(storage)


def test_no_url_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be used"):
        check_url(str(tmp_path))
