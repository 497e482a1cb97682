"""The words after `slimtune`: what each runs, and what it can be given."""

import argparse
from importlib import import_module
from typing import NamedTuple


class Command(NamedTuple):
    """A word after `slimtune`: the module that runs it (`run(arguments)`), what it does, and packages of an extra."""

    module: str
    summary: str
    needs: tuple[str, ...] = ()


EXPORTERS = ("onnx", "onnxruntime", "onnxscript")


COMMANDS = {
    "sweep": Command(
        "slimtune.sweeper.commands.sweep", "search, choose the best model, export, verify and register it"
    ),
    "train": Command("slimtune.sweeper.commands.train", "run one trial of the same config, without a search"),
    "check": Command("slimtune.sweeper.commands.check", "what a sweep or a trial of these arguments will need, tried"),
    "init": Command("slimtune.sweeper.commands.init", "a first config for your own rows: five questions, or flags"),
    "import": Command(
        "slimtune.sweeper.commands.import_config",
        "a config of LLaMA-Factory, Axolotl, Olive or the Trainer, translated",
    ),
    "explain": Command(
        "slimtune.sweeper.commands.help.explain", "what a key of the config means, its values and its default"
    ),
    "completion": Command(
        "slimtune.sweeper.commands.help.completion", "a script that lets bash, zsh or fish complete all of this"
    ),
    "doctor": Command("slimtune.sweeper.commands.doctor", "what this machine can do, and what is installed or missing"),
    "status": Command("slimtune.sweeper.commands.status", "whether a sweep is running, its trials, and what is left"),
    "stop": Command("slimtune.sweeper.commands.stop", "end a running sweep; its trials keep what they have"),
    "resume": Command("slimtune.sweeper.commands.resume", "run a sweep on, perhaps for more trials, or join it"),
    "compare": Command("slimtune.sweeper.commands.compare", "the trials of a sweep as a table or as JSON"),
    "report": Command("slimtune.sweeper.commands.report", "all of a sweep as one HTML page, opened in the browser"),
    "review": Command(
        "slimtune.sweeper.commands.review", "a blind sheet of the best trials' answers for people, and what they chose"
    ),
    "export": Command(
        "slimtune.sweeper.commands.export",
        "a checkpoint, a sweep's winner or a third-party model as a bundle",
        needs=EXPORTERS,
    ),
    "adapters": Command(
        "slimtune.sweeper.commands.adapters",
        "one ONNX base with adapters that are switched at run time",
        needs=EXPORTERS,
    ),
    "evaluate": Command("slimtune.sweeper.commands.evaluate", "the scores of any model on labelled rows"),
    "predict": Command(
        "slimtune.export.commands.predict",
        "answers of a bundle or a registered model, without PyTorch",
        needs=("onnxruntime",),
    ),
    "promote": Command(
        "slimtune.export.commands.promote", "give a sweep's or another model its alias, if it passes the gate"
    ),
    "register": Command(
        "slimtune.export.commands.register", "make a model a version in the registry, without an alias"
    ),
    "rollback": Command("slimtune.export.commands.rollback", "give an alias back to the version that had it before"),
    "history": Command("slimtune.export.commands.history", "who had which alias of a registered model, and when"),
    "storage-proxy": Command(
        "slimtune.sweeper.commands.storage_proxy",
        "let many workers reach a sweep's database through one process (gRPC)",
        needs=("grpc",),
    ),
    "sync": Command("slimtune.sweeper.commands.sync", "send what waits on disk for a tracker that was away"),
    "ui": Command("slimtune.sweeper.commands.ui", "start the MLflow UI on this machine"),
}
# words that other tools have for it, and what is typed here
OTHER_WORDS = {
    **dict.fromkeys(
        ("serve", "deploy", "server"),
        "MLflow serves a registered model: mlflow models serve --model-uri models:/<name>@champion --env-manager local "
        "(a sweep prints the whole line; docs/promotion.md, Served by MLflow)",
    ),
    **dict.fromkeys(
        ("tune", "search", "run", "optimize", "hpo"), "slimtune sweep searches, e.g. slimtune sweep experiment=tone"
    ),
    **dict.fromkeys(("fit", "finetune", "fine-tune"), "slimtune train runs one trial, slimtune sweep searches"),
    **dict.fromkeys(
        ("quantize", "convert", "compile", "onnx"),
        "slimtune export quantizes, e.g. slimtune export --run outputs/tone/trials/0 --out exported",
    ),
    **dict.fromkeys(("test", "eval", "score", "benchmark"), "slimtune evaluate scores a model on labelled rows"),
    **dict.fromkeys(("infer", "inference", "generate", "ask", "chat"), "slimtune predict asks a model"),
    **dict.fromkeys(("new", "start", "setup", "create"), "slimtune init writes a first config for your own rows"),
    **dict.fromkeys(
        ("list", "ls", "show"), "slimtune compare <sweep> lists a sweep's trials, slimtune ui shows all of them"
    ),
    **dict.fromkeys(("revert", "undo", "demote"), "slimtune rollback gives an alias back to the version before"),
    **dict.fromkeys(("kill", "cancel"), "slimtune stop ends a running sweep"),
    **dict.fromkeys(("continue", "restart"), "slimtune resume runs a sweep on"),
    "config": "slimtune sweep --cfg job --resolve shows every key and its value, slimtune explain what each means",
    "help": "slimtune --help lists the commands",
    "version": "slimtune --version",
}
# commands whose arguments are overrides in Hydra's grammar
COMPOSING = ("sweep", "train", "check")
# a command that asks is silent while somebody thinks
ASKING = ("init",)
# commands with displays of their own, or that serve until somebody ends them: once they have said something
DISPLAYING = (*COMPOSING, "resume", "storage-proxy", "ui")


def parser_of(word: str) -> argparse.ArgumentParser:
    """What a command can be given; that of a composing one is without its overrides.

    Args:
        word: One of `COMMANDS`.
    """
    module = import_module(COMMANDS[word].module)
    found: argparse.ArgumentParser = module.command_parser()
    return found
