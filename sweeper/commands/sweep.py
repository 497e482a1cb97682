"""`slimtune sweep`."""

import argparse
import logging
from collections.abc import Sequence

from slimtune.export.commands.terminal_text import print_page
from slimtune.sweeper.commands.arguments.overrides import composing_parser

HELP = """\
usage: slimtune sweep [override ...]

Search, rerun the best few, choose on validation, read test once, export, quantize, verify, register.
The same command resumes a sweep that was interrupted; search.n_trials is the total.

overrides (Hydra's grammar; slimtune sweep --cfg job --resolve prints all keys with their values)
  experiment=tone               the quickstart: phrase-to-tone classification
  --config mine.yaml            a file with choices and values, as slimtune init writes it
  data=file data.train_file=rows.jsonl data.text_column=text data.label_column=label
  data.validation_file=... data.test_file=...
  model.name_or_path=...        a local folder or a hub name (default: all-MiniLM-L6-v2)
  method=lora|full              method.r=8 method.alpha=16
  fit.learning_rate=1e-3 fit.batch_size=16 fit.epochs=4 fit.max_steps=500 fit.precision=auto|fp32|bf16|fp16
  search.name=mine search.n_trials=12 search.direction=maximize search.seed=0
  search/sampler=tpe|auto|random|grid|qmc|gp|cmaes|nsga2|nsga3
  search/pruner=successive_halving|hyperband|median|percentile|patient
                                (also wilcoxon, combination, none)
  search.max_minutes=60 search.target=0.9 search.max_trials_without_better=10 search.max_failures=3
  'search.objectives=[accuracy,trained_parameters]' 'search.constraints={size_mb:{max:50}}' search.pick=first|knee
  search.warm_start=other 'search.enqueue=[{learning_rate:0.001,r:8}]'
  hydra/launcher=local|slurm|slurm_gpu|ray_cluster|ray_gpu search.num_workers=2
  export=onnx|none              tracking=mlflow|none

what is searched
  space.fit.learning_rate.low=1e-5                      change the default space
  space=file space.path=hyperparameter-search.yaml      what a file says (search_strategy, search_space)
  'fit.learning_rate=tag(log,interval(1e-5,1e-3))'      or sweep any key in Hydra's syntax
  'method.r=choice(4,8,16)' 'fit.batch_size=8,16'       (a key set to one value is not searched)
"""


def run(arguments: Sequence[str]) -> int:
    """Run a sweep to its end.

    Raises:
        UserError: Bad input.
    """
    if set(arguments) & {"-h", "--help"}:
        print_page(HELP)
        return 0
    from slimtune.sweeper.hydra_app.app import run_app

    logging.captureWarnings(True)
    run_app(arguments, sweep=True)
    return 0


def command_parser() -> argparse.ArgumentParser:
    """What can be given on the command line."""
    return composing_parser("sweep", __doc__)
