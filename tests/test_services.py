"""Tests whose service is not there are skipped, and fail where a run must have it."""

import pytest

from tests.services import MUST_RUN, need, service


def test_a_missing_service_skips_a_test_or_fails_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MUST_RUN, "slurm,other")
    monkeypatch.setenv("SLIMTUNE_TEST_DATABASE", "")
    need("slurm", None)
    with pytest.raises(pytest.skip.Exception, match="ray: no cluster"):
        need("ray", "no cluster")
    with pytest.raises(pytest.fail.Exception, match="slurm, but no node is idle"):
        need("slurm", "no node is idle")
    with pytest.raises(pytest.skip.Exception, match="SLIMTUNE_TEST_DATABASE is not set"):
        service("database")
    monkeypatch.setenv("SLIMTUNE_TEST_DATABASE", "postgresql://here")
    assert service("database") == "postgresql://here"
