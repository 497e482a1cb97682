"""What another system lacks keeps no module from being imported."""

import subprocess
import sys

from tests.packaging.environment import ROOT

# every package of others is imported first, as this system has it; then slimtune's own modules once more without what
# Windows lacks
WITHOUT = """
import importlib, os, pkgutil, signal, sys
import slimtune
sys.argv = ["slimtune"]

# what is imported where there is such a lock
UNIX = "slimtune.sweeper.study.storages.journal_lock"

def import_all():
    for found in pkgutil.walk_packages(slimtune.__path__, "slimtune."):
        if found.name != UNIX:
            importlib.import_module(found.name)

import_all()
for name in [name for name in sys.modules if name.partition(".")[0] == "slimtune"]:
    del sys.modules[name]
for name in ("fcntl", "resource", "grp", "pwd", "termios"):
    sys.modules[name] = None
for name in ("SIGUSR1", "SIGKILL", "SIGHUP", "SIGVTALRM", "setitimer", "pthread_kill"):
    delattr(signal, name)
for name in ("getuid", "sched_getaffinity", "fork", "killpg"):
    delattr(os, name)
sys.platform = "win32"
slimtune = importlib.import_module("slimtune")
import_all()
from slimtune.training.user_id import user_id
from slimtune.training.tracking.environment import usable_cores
assert user_id() == 0 and usable_cores() >= 1
print("all")
"""


def test_nothing_of_unix_is_needed_to_import() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()[-3:]) == (0, "all"), done.stderr[-2000:]
