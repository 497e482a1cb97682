"""Errors are told together, whoever raises them."""

import errno

import pytest

from slimtune.training.errors import UserError, check_all, found_by


def fails(error: Exception) -> None:
    raise error


def test_a_path_that_the_system_refuses_is_told_beside_the_other_problems() -> None:
    refused = PermissionError(errno.EACCES, "Permission denied", "/secret/rows.csv")
    found = found_by([lambda: fails(refused), lambda: fails(UserError("fit.epochs is -1"))])
    assert [str(error).partition(":")[0] for error in found] == ["/secret/rows.csv", "fit.epochs is -1"]


def test_another_error_of_the_system_is_raised() -> None:
    with pytest.raises(ConnectionRefusedError):
        check_all([lambda: fails(ConnectionRefusedError(errno.ECONNREFUSED, "refused"))])
