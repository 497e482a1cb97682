"""Hydra's command line in Pythons that refuse its parser.

From Python 3.14 on argparse reads the help of a flag when the flag is added. Hydra, 1.3.8 and all before it, has an
object there for `--shell-completion`, whose text takes a search for plugins: no `@hydra.main` begins.
"""

import argparse
from functools import cache
from importlib.metadata import version
from types import SimpleNamespace

import hydra
from hydra._internal import utils


class _UnreadHelps(argparse.ArgumentParser):
    def _check_help(self, action: argparse.Action) -> None:
        """As in all Pythons before: a help is read where it is shown, which Hydra does itself."""


def mend_hydra_parser() -> None:
    """Hydra's parser can be made from now on; no other parser of this process is another."""
    if hasattr(argparse.ArgumentParser, "_check_help"):
        own = {**vars(argparse), "ArgumentParser": _UnreadHelps}
        setattr(utils, "argparse", SimpleNamespace(**own))  # noqa: B010  # a name of this one module


def hydra_parser() -> argparse.ArgumentParser:
    """The parser of Hydra's own flags, each by its whole name: `--experiment` is no `--experimental-rerun`."""
    mend_hydra_parser()
    parser = utils.get_args_parser()
    parser.allow_abbrev = False
    for action in parser._actions:
        if isinstance(action, argparse._VersionAction):
            action.version = _versions()
    return parser


@cache
def _versions() -> str:
    """Read once: a command line with flags is parsed again and again."""
    return f"slimtune {version('slimtune')}, Hydra {hydra.__version__}"
