"""Completion in zsh."""

import shlex
from collections.abc import Iterator, Mapping, Sequence

from slimtune.sweeper.reference.completion.cases import command_cases, option_cases
from slimtune.sweeper.reference.completion.words import (
    FUNCTIONS,
    OR_FILE,
    ArgumentKind,
    CommandWords,
    Option,
    OverrideWord,
    filled_head,
    offers,
)

HEAD = """\
#compdef slimtune
# completion of slimtune in zsh: source <(slimtune completion zsh), or this file as _slimtune in a folder of $fpath
_slimtune_sweeps() {
    local -a sweeps=(OUTPUTS/*(N/:t))
    (( $#sweeps )) && compadd -- $sweeps
}
_slimtune_models() {
    _slimtune_sweeps
    local -a models=(${(f)"$(ASK_MODELS)"})
    (( $#models )) && compadd -- $models
}
_slimtune_registered() {
    local -a names=(${(f)"$(ASK_REGISTERED)"})
    (( $#names )) && compadd -- $names
}
_slimtune_aliases() {
    local -a aliases=(${(f)"$(ASK_ALIASES)"})
    (( $#aliases )) && compadd -- $aliases
}
"""
TAIL = """\
_slimtune() {
    if (( CURRENT == 2 )); then
        local -a commands=(COMMANDS)
        _describe -t commands 'command' commands
        return
    fi
    _slimtune_of "$words[2]" "$words[CURRENT-1]"
}
(( $+functions[compdef] )) || { autoload -Uz compinit && compinit -i }
compdef _slimtune slimtune
"""


def zsh_script(commands: Mapping[str, CommandWords], overrides: Sequence[OverrideWord]) -> str:
    """The script.

    Args:
        commands: What each command can be given.
        overrides: Groups and keys of the config.
    """
    told = " ".join(_described(word, one.summary) for word, one in commands.items())
    lines = [*_overrides(overrides), *command_cases(commands, _command)]
    return "\n".join([filled_head(HEAD), *lines, TAIL.replace("COMMANDS", told)])


def _described(word: str, text: str) -> str:
    return shlex.quote(f"{word}:{text}")


def _overrides(overrides: Sequence[OverrideWord]) -> Iterator[str]:
    """Sections and groups first, keys behind a dot, values behind `=`."""
    keys = [one for one in overrides if "." in one.name]
    sections = dict.fromkeys(one.name.partition(".")[0] for one in keys)
    yield "_slimtune_override() {"
    yield "    if [[ $PREFIX == *=* ]]; then"
    yield "        local key=${PREFIX%%=*}"
    yield "        compset -P '*='"
    yield "        case $key in"
    for one in overrides:
        if one.values:
            yield f"            {one.name}) compadd -- {' '.join(map(shlex.quote, one.values))} ;;"
        elif one.is_path:
            yield f"            {one.name}) _files ;;"
    yield "        esac"
    yield "    elif [[ $PREFIX == *.* ]]; then"
    yield f"        local -a keys=({' '.join(_described(one.name, one.help) for one in keys)})"
    yield "        _describe -t keys 'key' keys -S '='"
    yield "    else"
    groups = [_described(one.name, one.help) for one in overrides if "." not in one.name]
    yield f"        local -a groups=({' '.join(groups)})"
    yield "        _describe -t groups 'choice' groups -S '='"
    yield f"        compadd -S '.' -- {' '.join(sections)}"
    yield "    fi"
    yield "}"
    yield f"_slimtune_key() {{\n    compadd -- {' '.join(one.name for one in overrides)}\n}}"


def _command(given: CommandWords) -> Iterator[str]:
    yield from option_cases(given, _offer)
    flags = " ".join(_described(option.name, option.help) for option in given.options)
    yield f"if [[ $PREFIX == -* ]]; then local -a flags=({flags}); _describe -t options 'option' flags; return; fi"
    if given.words:
        yield f"compadd -- {' '.join(map(shlex.quote, given.words))}"
    texts = {
        **{kind: f"_slimtune_{name}" for kind, name in FUNCTIONS.items()},
        ArgumentKind.override: "_slimtune_override",
        ArgumentKind.key: "_slimtune_key",
    }
    yield from offers(given, texts, files="_files")


def _offer(option: Option) -> str:
    if option.choices:
        return f"compadd -- {' '.join(map(shlex.quote, option.choices))}"
    named = [f"_slimtune_{FUNCTIONS[option.kind]}"] if option.kind in FUNCTIONS else []
    return "; ".join([*named, *(["_files"] if option.kind in OR_FILE else [])])
