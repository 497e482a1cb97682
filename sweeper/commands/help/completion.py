"""`slimtune completion`: a script by which a shell completes commands, options, choices and keys of the config."""

import argparse
from collections.abc import Sequence

from slimtune.export.commands.command_parser import CommandParser

SHELLS = ("bash", "zsh", "fish")


def run(arguments: Sequence[str]) -> int:
    """Print the script of a shell."""
    options = command_parser().parse_args(arguments)
    from slimtune.sweeper.reference.completion.bash import bash_script
    from slimtune.sweeper.reference.completion.fish import fish_script
    from slimtune.sweeper.reference.completion.words import command_words, override_words
    from slimtune.sweeper.reference.completion.zsh import zsh_script

    script = {"bash": bash_script, "zsh": zsh_script, "fish": fish_script}[options.shell]
    print(script(command_words(), override_words()), end="")
    return 0


def command_parser() -> argparse.ArgumentParser:
    """What can be given on the command line."""
    parser = CommandParser(
        prog="slimtune completion",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="bash and zsh: a line in ~/.bashrc or ~/.zshrc: source <(slimtune completion bash)\n"
        "fish: slimtune completion fish > ~/.config/fish/completions/slimtune.fish",
    )
    parser.add_argument("shell", choices=SHELLS, help="the shell")
    return parser
