"""Completion in fish."""

from collections.abc import Iterator, Mapping, Sequence

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
# completion of slimtune in fish: slimtune completion fish > ~/.config/fish/completions/slimtune.fish
function __slimtune_sweeps
    for folder in OUTPUTS/*/
        basename $folder
    end
end
function __slimtune_paths
    # paths that begin with $argv[2], each behind $argv[1]
    for path in $argv[2]*
        test -d $path; and set path $path/
        printf '%s%s\\n' $argv[1] $path
    end
end
function __slimtune_keys
    # lines of $argv[2..] that begin with $argv[1], cut behind the next dot
    set -l start $argv[1]
    set -l seen
    for line in $argv[2..]
        set -l name (string split -m 1 \\t -- $line)[1]
        string match -q -- "$start*" $name; or continue
        set -l rest (string sub -s (math (string length -- $start) + 1) -- $name)
        if string match -q '*.*' -- $rest
            set -l section $start(string split -m 1 . -- $rest)[1].
            contains -- $section $seen; and continue
            set -a seen $section
            echo $section
        else
            echo $line
        end
    end
end
function __slimtune_models
    __slimtune_sweeps
    ASK_MODELS
end
function __slimtune_registered
    ASK_REGISTERED
end
function __slimtune_aliases
    ASK_ALIASES
end
"""


def fish_script(commands: Mapping[str, CommandWords], overrides: Sequence[OverrideWord]) -> str:
    """The script.

    Args:
        commands: What each command can be given.
        overrides: Groups and keys of the config.
    """
    lines = [*_overrides(overrides), "complete -c slimtune -f"]
    for word, given in commands.items():
        lines.append(f"complete -c slimtune -n __fish_use_subcommand -a {word} -d {_quoted(given.summary)}")
        lines += _command(word, given)
    return "\n".join([filled_head(HEAD), *lines, ""])


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _overrides(overrides: Sequence[OverrideWord]) -> Iterator[str]:
    yield "function __slimtune_override"
    yield "    set -l token (commandline -ct)"
    yield "    switch $token"
    for one in overrides:
        if one.values:
            yield f"        case '{one.name}=*'"
            yield f"            printf '%s\\n' {' '.join(_quoted(f'{one.name}={value}') for value in one.values)}"
        elif one.is_path:
            yield f"        case '{one.name}=*'"
            yield f"            __slimtune_paths {one.name}= (string replace -r '^[^=]*=' '' -- $token)"
    yield "        case '*=*'"
    yield "        case '*'"
    listed = " ".join(f"{_quoted(one.name + '=')}\\t{_quoted(one.help)}" for one in overrides)
    yield f'            __slimtune_keys "$token" {listed}'
    yield "    end"
    yield "end"
    yield "function __slimtune_key"
    listed = " ".join(f"{_quoted(one.name)}\\t{_quoted(one.help)}" for one in overrides)
    yield f"    __slimtune_keys (commandline -ct | string collect -a) {listed}"
    yield "end"


def _command(word: str, given: CommandWords) -> Iterator[str]:
    seen = f"complete -c slimtune -n '__fish_seen_subcommand_from {word}'"
    for option in given.options:
        if option.name.startswith("--"):
            yield f"{seen} -l {option.name[2:]}{_value(option)} -d {_quoted(option.help)}"
    if given.words:
        yield f"{seen} -a {_quoted(' '.join(given.words))}"
    texts = {
        **{kind: f"{seen} -a '(__slimtune_{name})'" for kind, name in FUNCTIONS.items()},
        ArgumentKind.override: f"{seen} -a '(__slimtune_override)'",
        ArgumentKind.key: f"{seen} -a '(__slimtune_key)'",
    }
    yield from offers(given, texts, files=f"{seen} -F")


def _value(option: Option) -> str:
    if not option.takes_value:
        return ""
    if option.choices:
        return f" -x -a {_quoted(' '.join(option.choices))}"
    named = f" -a '(__slimtune_{FUNCTIONS[option.kind]})'" if option.kind in FUNCTIONS else ""
    return (" -r -F" if option.kind in OR_FILE else " -x") + named
