"""The data report of many rows, in the cache."""

import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from slimtune.training.atomic_files import write_json
from slimtune.training.config.trust import reading_code_of
from slimtune.training.data.encoding import encoding_key
from slimtune.training.data.kept import kept_rows
from slimtune.training.data.kept.source_digest import code_digest, source_digest
from slimtune.training.data.splits import RowSplits
from slimtune.training.data_report.build import data_report_of
from slimtune.training.data_report.report import DataReport, SplitReport
from slimtune.training.models.positions import positions_of
from slimtune.training.usual_places import home_path
from slimtune.training.workbench.prepared_data import PreparedData

log = logging.getLogger(__name__)

FOLDER = "reports"
# code that a report comes from, beside that of rows and tasks
ROOMS = ("data_report", "metrics", "workbench")
PLACES = ("cache_dir", "train_file", "validation_file", "test_file")


def kept_report_of(data: PreparedData) -> DataReport:
    """As `data_report_of`; of many rows it is made once, unless code of the user's own takes part.

    Raises:
        ConfigError: No metric gives `task.metric`.
    """
    num_rows = sum(map(len, data.rows.named().values()))
    if num_rows < kept_rows.LEAST_ROWS or reading_code_of(data.config):
        return data_report_of(data)
    path = home_path(data.config.data.cache_dir) / FOLDER / f"{_key(data)}.json"
    try:
        report = report_from(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        pass
    except (OSError, ValueError, TypeError, KeyError):
        log.warning("data report: %s is broken, and is made again", path)
    else:
        log.info("data report: from %s", path)
        return report
    report = data_report_of(data)
    write_json(path, report.as_dict())
    return report


def report_from(values: Mapping[str, Any]) -> DataReport:
    """A report as `as_dict` gave it.

    Raises:
        TypeError: It lacks something, or has something more.
        KeyError: As above.
        ValueError: A percent is no number.
    """
    splits = [
        SplitReport(**{**one, "length_quantiles": {int(percent): most for percent, most in quantiles.items()}})
        for one in values["splits"]
        for quantiles in [one["length_quantiles"]]
    ]
    pairs = {
        name: [tuple(one) for one in values[name]] for name in ("leak_examples", "length_histogram", "label_noise")
    }
    return DataReport(**{**values, **pairs, "splits": splits})


def _key(data: PreparedData) -> str:
    config, rows = data.config, data.rows
    settings = {key: value for key, value in asdict(config.data).items() if key not in PLACES}
    facts = [
        code_digest(*ROOMS),
        asdict(config.task),
        settings,
        positions_of(data.model).read,
        [encoding_key(digest, data.tokenizer, data.task.settings()) for digest in rows.digests.values()],
        [rows.num_duplicates, rows.num_empty, rows.num_leaked, rows.near_leaks, rows.near_dropped, rows.notes],
        [rows.near_shared, rows.near_known, dict(rows.blank_columns)],
        [bool(config.data.validation_file), bool(config.data.test_file)],
        # notes look at columns that nothing is trained on, and at labels as they are spelled
        source_digest(config) or _digest_of_rows(rows),
    ]
    return hashlib.sha256(json.dumps(facts, default=str, sort_keys=True).encode()).hexdigest()


def _digest_of_rows(rows: RowSplits) -> str:
    digest = hashlib.sha256()
    for examples in rows.named().values():
        digest.update(b"\0split")
        for example in examples:
            digest.update(json.dumps(example.row, default=str, sort_keys=True).encode() + b"\0")
    return digest.hexdigest()
