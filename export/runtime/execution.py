"""Where a graph runs: onnxruntime's execution provider, or the CPU if the machine does not have it."""

import contextlib
import functools
import io
import logging
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import onnxruntime

from slimtune.export.bundle.manifest import BuiltFor
from slimtune.training.broken_files import text_of_error
from slimtune.training.errors import ModelError

log = logging.getLogger(__name__)

CPU_PROVIDER = "CPUExecutionProvider"
WARNINGS, ERRORS_ONLY, FATAL_ONLY = 2, 3, 4


class Execution(NamedTuple):
    """How a graph is run.

    Attributes:
        provider: onnxruntime's execution provider; operators that it does not take run on the CPU.
        options: What it is given.
        num_threads: Threads inside an operator; None leaves it to onnxruntime.
    """

    provider: str = CPU_PROVIDER
    options: Mapping[str, str] = {}
    num_threads: int | None = None


ON_CPU = Execution()


class Placed(NamedTuple):
    """Where a graph runs on this machine.

    Attributes:
        execution: Where it runs.
        note: What people are told of it; None if it was built for the CPU.
    """

    execution: Execution
    note: str | None


def placed(provider: str, options: Mapping[str, str], *, num_threads: int | None = None) -> Placed:
    """On the provider, or on the CPU if it does not start on this machine."""
    if provider == CPU_PROVIDER:
        return Placed(Execution(num_threads=num_threads), None)
    reason = _reason(provider, tuple(sorted(options.items())))
    if reason is None:
        return Placed(Execution(provider, options, num_threads), f"built for {provider}, and run on it")
    return Placed(Execution(num_threads=num_threads), f"built for {provider}, run on CPU: {reason}")


def execution_for(target: BuiltFor | None, *, num_threads: int | None = None) -> Execution:
    """Where a model runs here; a line is logged if that is not what it was built for."""
    if target is None:
        return Execution(num_threads=num_threads)
    found = placed(target.provider, target.provider_options, num_threads=num_threads)
    if found.note is not None and found.execution.provider == CPU_PROVIDER:
        log.warning("%s", found.note)
    return found.execution


def open_graph(path: Path, execution: Execution) -> onnxruntime.InferenceSession:
    """A graph, ready to run.

    Raises:
        ModelError: The file is broken, or the provider does not take it.
    """
    options = onnxruntime.SessionOptions()
    options.log_severity_level = ERRORS_ONLY
    if execution.provider != CPU_PROVIDER:
        options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
    if execution.num_threads is not None:
        options.intra_op_num_threads = execution.num_threads
    try:
        session = _session(str(path), execution, options)
    except Exception as error:
        # onnxruntime's errors have no other base
        if execution.provider == CPU_PROVIDER:
            raise ModelError(f"{path} cannot be run: {_fault(error)}; export the model again") from error
        first = str(error).partition("\n")[0]
        raise ModelError(
            f"{path} does not run on {execution.provider}: {first}; leave {path.parent.name} out of export.variants, "
            "or use another export/target"
        ) from error
    if execution.provider != CPU_PROVIDER:
        _check_assigned(session, path, execution.provider)
    return session


def _fault(error: Exception) -> str:
    """What onnxruntime says of a graph that does not run on the CPU, which all of them do."""
    if type(error).__name__ in ("InvalidProtobuf", "NoModel", "NoSuchFile"):
        return "it is no ONNX graph, or cut off"
    return f"onnxruntime says: {text_of_error(error).rpartition(' : ')[2]}"


def _check_assigned(session: onnxruntime.InferenceSession, path: Path, provider: str) -> None:
    """onnxruntime runs what a provider leaves on the CPU, and says nothing."""
    own: Counter[str] = Counter()
    left: Counter[str] = Counter()
    for part in session.get_provider_graph_assignment_info():
        operators = own if part.ep_name == provider else left
        operators.update(node.op_type for node in part.get_nodes())
    if not own:
        raise ModelError(
            f"{path}: {provider} takes none of its operators; leave {path.parent.name} out of export.variants, "
            "or use another export/target"
        )
    if left:
        names = ", ".join(f"{count} {name}" for name, count in left.most_common(5))
        counts = f"{left.total()} of {left.total() + own.total()} operators"
        log.warning("%s: %s leaves %s to the CPU (%s)", path, provider, counts, names)


def _session(
    graph: str | bytes, execution: Execution, options: onnxruntime.SessionOptions
) -> onnxruntime.InferenceSession:
    given = [(execution.provider, dict(execution.options))]
    others: list[tuple[str, dict[str, str]]] = [] if execution.provider == CPU_PROVIDER else [(CPU_PROVIDER, {})]
    return onnxruntime.InferenceSession(graph, options, providers=[*given, *others], enable_fallback=0)


@functools.cache
def _reason(provider: str, options: tuple[tuple[str, str], ...]) -> str | None:
    """Why a provider cannot be used here: it is not in this onnxruntime, or its driver or device is missing."""
    if provider not in onnxruntime.get_available_providers():
        return f"{provider} is not on this machine"
    quiet = onnxruntime.SessionOptions()
    quiet.log_severity_level = FATAL_ONLY
    onnxruntime.set_default_logger_severity(FATAL_ONLY)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            session = _session(_smallest_graph(), Execution(provider, dict(options)), quiet)
    except Exception as error:  # noqa: BLE001 - onnxruntime's errors have no other base
        return f"{provider} does not start on this machine ({str(error).partition(chr(10))[0]})"
    finally:
        onnxruntime.set_default_logger_severity(WARNINGS)
    return None if provider in session.get_providers() else f"{provider} does not start on this machine"


def _smallest_graph() -> bytes:
    from onnx import TensorProto, helper

    ports = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "smallest", ports[:1], ports[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    return bytes(model.SerializeToString())
