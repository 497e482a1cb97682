"""The arguments of commands that compose a config: overrides, and the flags of Hydra's that mean something here.

Hydra reads them itself; this is what completion and the reference know of them.
"""

import argparse

SHOWN = ("job", "hydra", "all")


def composing_parser(word: str, description: str | None) -> argparse.ArgumentParser:
    """What such a command can be given.

    Args:
        word: The command.
        description: What it does.
    """
    parser = argparse.ArgumentParser(prog=f"slimtune {word}", description=description)
    parser.add_argument("override", nargs="*", default=[], help="choices and values, e.g. method=full fit.epochs=2")
    parser.add_argument("--config", metavar="FILE", help="a config of your own, as slimtune init writes it")
    parser.add_argument(
        "--cfg", choices=SHOWN, help="print the composed config and run nothing; job is all but Hydra's"
    )
    parser.add_argument("--resolve", action="store_true", help="with --cfg: values in place of interpolations")
    parser.add_argument("--package", metavar="KEY", help="with --cfg: this section alone, e.g. fit")
    parser.add_argument("--config-dir", metavar="FOLDER", help="a folder with options of your own, e.g. experiment/")
    return parser
