"""Tables among a run's artifacts, which MLflow shows beside those of other runs."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from slimtune.training.atomic_files import json_text
from slimtune.training.tracking.run import TrackedRun

# columns of the same length by name
Table = Mapping[str, Sequence[Any]]
# the tag by which MLflow finds them
TABLES = "mlflow.loggedArtifacts"


def log_tables(run: TrackedRun, tables: Mapping[str, Table]) -> None:
    """Write tables as MLflow's own `log_table` does, but whole: that adds to what a first attempt has written.

    Args:
        run: To write on.
        tables: All that it has, by file.
    """
    for file, table in tables.items():
        rows = [list(row) for row in zip(*table.values(), strict=True)]
        run.log_text(json_text({"columns": list(table), "data": rows}, ensure_ascii=False), file)
    run.set_tags({TABLES: json.dumps([{"path": file, "type": "table"} for file in tables])})
