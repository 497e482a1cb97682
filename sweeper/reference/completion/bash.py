"""Completion in bash."""

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

# bash splits words at =, : and @ itself, so the line is read instead; a candidate begins behind the last of these
HEAD = """\
# completion of slimtune in bash: source <(slimtune completion bash)
_slimtune_offer() {
    # words of $1 that begin with $2, cut behind the next dot of a key
    local word rest
    local -A seen=()
    for word in $1; do
        [[ $word == "$2"* ]] || continue
        if [[ $3 == keys ]]; then
            rest=${word#"$2"}
            [[ $rest == *.* ]] && word=$2${rest%%.*}.
        fi
        [[ -n ${seen[$word]} ]] && continue
        seen[$word]=1
        COMPREPLY+=("$word")
    done
}
_slimtune_paths() {
    # paths that begin with $1, each behind $2
    local path
    compopt -o filenames 2>/dev/null
    while IFS= read -r path; do COMPREPLY+=("$2$path"); done < <(compgen -f -- "$1")
}
_slimtune_sweeps() {
    local folder
    for folder in OUTPUTS/*/; do
        [[ -d $folder ]] || continue
        folder=${folder%/}
        [[ ${folder##*/} == "$1"* ]] && COMPREPLY+=("${folder##*/}")
    done
}
_slimtune_asked() {
    # lines that begin with $1
    local word
    while IFS= read -r word; do
        [[ $word == "$1"* ]] && COMPREPLY+=("$word")
    done
}
_slimtune_models() {
    _slimtune_sweeps "$1"
    _slimtune_asked "$1" < <(ASK_MODELS)
}
_slimtune_registered() {
    _slimtune_asked "$1" < <(ASK_REGISTERED)
}
_slimtune_aliases() {
    _slimtune_asked "$1" < <(ASK_ALIASES)
}
"""
TAIL = """\
_slimtune() {
    local line=${COMP_LINE:0:COMP_POINT} current words place
    current=${line##*[[:space:]]}
    read -r -a words <<< "${line%"$current"}"
    COMPREPLY=()
    if (( ${#words[@]} <= 1 )); then
        _slimtune_offer "$_slimtune_commands" "$current"
        return
    fi
    _slimtune_of "${words[1]}" "${words[-1]}" "$current"
    # nothing stands behind a = or a dot yet
    if (( ${#COMPREPLY[@]} )) && [[ ${COMPREPLY[0]} == *[=.] ]]; then
        compopt -o nospace 2>/dev/null
    fi
    local start=$current
    while [[ -n $start ]] && ! [[ ${start: -1} == [=:@] && $COMP_WORDBREAKS == *"${start: -1}"* ]]; do
        start=${start%?}
    done
    if [[ -n $start ]]; then
        for place in "${!COMPREPLY[@]}"; do COMPREPLY[place]=${COMPREPLY[place]#"$start"}; done
    fi
}
complete -F _slimtune slimtune
"""


def bash_script(commands: Mapping[str, CommandWords], overrides: Sequence[OverrideWord]) -> str:
    """The script.

    Args:
        commands: What each command can be given.
        overrides: Groups and keys of the config.
    """
    names = " ".join(f"{one.name}=" for one in overrides)
    keys = " ".join(one.name for one in overrides)
    lines = [f"_slimtune_commands={shlex.quote(' '.join(commands))}"]
    lines += [f"_slimtune_overrides={shlex.quote(names)}", f"_slimtune_keys={shlex.quote(keys)}"]
    lines += [*_values(overrides), *command_cases(commands, _command)]
    return filled_head(HEAD) + "\n".join([*lines, TAIL])


def _values(overrides: Sequence[OverrideWord]) -> Iterator[str]:
    """A function that offers `key=value` for a key that is written out."""
    yield "_slimtune_override() {"
    yield "    case $1 in"
    for one in overrides:
        if one.values:
            words = " ".join(f"{one.name}={value}" for value in one.values)
            yield f'        {one.name}=*) _slimtune_offer {shlex.quote(words)} "$1" ;;'
        elif one.is_path:
            yield f'        {one.name}=*) _slimtune_paths "${{1#*=}}" {one.name}= ;;'
    yield "        *=*) ;;"
    yield '        *) _slimtune_offer "$_slimtune_overrides" "$1" keys ;;'
    yield "    esac"
    yield "}"


def _command(given: CommandWords) -> Iterator[str]:
    yield from option_cases(given, _offer)
    flags = " ".join(option.name for option in given.options)
    yield f'if [[ $3 == -* ]]; then _slimtune_offer {shlex.quote(flags)} "$3"; return; fi'
    if given.words:
        yield f'_slimtune_offer {shlex.quote(" ".join(given.words))} "$3"'
    texts = {
        **{kind: f'_slimtune_{name} "$3"' for kind, name in FUNCTIONS.items()},
        ArgumentKind.override: '_slimtune_override "$3"',
        ArgumentKind.key: '_slimtune_offer "$_slimtune_keys" "$3" keys',
    }
    yield from offers(given, texts, files='(( ${#COMPREPLY[@]} )) || _slimtune_paths "$3"')


def _offer(option: Option) -> str:
    if option.choices:
        return f'_slimtune_offer {shlex.quote(" ".join(option.choices))} "$3"'
    named = [f'_slimtune_{FUNCTIONS[option.kind]} "$3"'] if option.kind in FUNCTIONS else []
    return "; ".join([*named, *(['_slimtune_paths "$3"'] if option.kind in OR_FILE else [])])
