"""Services that some tests need beside Python, and whether a run of the tests may do without them."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

# names separated by commas; `.ci/run` sets it, after it has started them
MUST_RUN = "SLIMTUNE_TESTS_MUST_RUN"


def need(service: str, missing: str | None) -> None:
    """Skip a test whose service is not there; where the environment says that it must run, fail.

    Args:
        service: Its name, as `.ci/services/` has it where a script starts it.
        missing: What is not there and how to start it, or None.
    """
    if missing is None:
        return
    if service in os.environ.get(MUST_RUN, "").split(","):
        pytest.fail(f"{MUST_RUN} has {service}, but {missing}")
    pytest.skip(f"{service}: {missing}")


def service(name: str) -> str:
    """What the variable SLIMTUNE_TEST_<NAME> says of a service, e.g. a URL."""
    variable = f"SLIMTUNE_TEST_{name.upper()}"
    found = os.environ.get(variable, "")
    need(name, None if found else f"{variable} is not set; start the service: .ci/services/{name} start")
    return found


def need_slurm() -> None:
    """A Slurm with a node that runs jobs, be it that another test's have not left it yet."""
    said = ""
    if shutil.which("sinfo"):
        said = subprocess.run(["sinfo", "-h", "-o", "%t"], capture_output=True, text=True, check=False).stdout
    is_there = any(state.startswith(("idle", "mix", "alloc", "comp")) for state in said.split())
    need("slurm", None if is_there else "no node is up; .ci/services/slurm start brings one up")


# with so little of everything that two nodes fit beside other tests; of their GPUs there is the number alone
TWO_NODES = """
import json, sys
from ray.cluster_utils import Cluster

node = {"num_cpus": 2, "num_gpus": 1, "object_store_memory": 80 * 2**20, "include_dashboard": False}
cluster = Cluster(initialize_head=True, head_node_args=node)
cluster.add_node(**node)
print(json.dumps(cluster.address), flush=True)
sys.stdin.read()
cluster.shutdown()
"""


@contextmanager
def ray_cluster() -> Iterator[str]:
    """The address of a Ray cluster of two nodes, which is there as long as the context."""
    silent = os.environ | {"RAY_USAGE_STATS_ENABLED": "0"}
    command = [sys.executable, "-c", TWO_NODES]
    pipe = subprocess.PIPE
    with (
        tempfile.TemporaryFile("w+") as said,
        subprocess.Popen(command, env=silent, stdin=pipe, stdout=pipe, stderr=said, text=True) as process,
    ):
        # it ends with its standard input, which the context closes
        assert process.stdout is not None
        address = process.stdout.readline()
        if not address:
            said.seek(0)
            need("ray", f"no cluster has started: {said.read()[-500:]}")
        yield json.loads(address)
