"""`slimtune storage-proxy`: one process that reads and writes a database for many workers, by Optuna's gRPC proxy."""

import argparse
from collections.abc import Sequence

from slimtune.export.commands.command_parser import CommandParser
from slimtune.sweeper.storage_url import GRPC_PORT, ProxyAddress, checked


def run(arguments: Sequence[str]) -> int:
    """Answer until the process is ended.

    Raises:
        StoreError: The storage cannot be used.
    """
    options = command_parser().parse_args(arguments)
    storage = checked(options.storage)
    assert storage is not None
    from slimtune.sweeper.study.storages.grpc_proxy import serve

    print(f"workers reach it by search.storage=grpc://{options.host}:{options.port}", flush=True)
    serve(storage, ProxyAddress(options.host, options.port))
    return 0


def command_parser() -> argparse.ArgumentParser:
    """What can be given on the command line."""
    parser = CommandParser(prog="slimtune storage-proxy", description=__doc__)
    parser.add_argument("--storage", required=True, help="URL of the database, or env:NAME for a variable with it")
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1); nothing is encrypted"
    )
    parser.add_argument("--port", type=int, default=GRPC_PORT, help=f"port to listen on (default: {GRPC_PORT})")
    return parser
