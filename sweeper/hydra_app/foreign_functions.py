"""Functions by which other tools say what is searched, in Hydra's own."""

import re

# what stands for one, with the arguments as they are
OWN = {
    **dict.fromkeys(("uniform", "suggest_float", "suggest_uniform", "real", "between"), "interval({})"),
    **dict.fromkeys(
        ("loguniform", "log_uniform", "log_uniform_values", "logspace", "suggest_loguniform", "log"),
        "tag(log,interval({}))",
    ),
    **dict.fromkeys(("randint", "int_uniform", "suggest_int", "integer"), "int(interval({}))"),
    **dict.fromkeys(("lograndint", "int_loguniform"), "tag(log,int(interval({})))"),
    **dict.fromkeys(("categorical", "choices", "grid_search", "suggest_categorical", "one_of", "oneof"), "choice({})"),
    # Hydra's own names, as methods of another tool
    **{name: f"{name}({{}})" for name in ("choice", "interval", "range")},
    **dict.fromkeys(("arange", "xrange", "quniform", "qrandint", "linspace"), "range({})"),
}
# with the object that has it: trial.suggest_float('lr', 1e-5, 1e-3), tune.loguniform(1e-5, 1e-3)
METHOD_CALL = re.compile(r"(?:[A-Za-z_]\w*\.)+(\w+)\(([^()]*)\)")
NAME = re.compile(r"""\s*(['"]).*\1\s*""")
KEYWORD = re.compile(r"\s*(\w+)\s*=\s*(.*)")
LOG = {"interval({})": "loguniform", "int(interval({}))": "lograndint"}
FUNCTIONS = "choice(4,8), range(8,65,8), interval(0,0.2), int(interval(1,8)), tag(log,interval(1e-5,1e-3))"


def function_repair(key: str, name: str, value: str) -> str:
    """What to write for a function that Hydra does not have.

    Args:
        key: What it is to be the value of.
        name: The function.
        value: The call, as it was written.
    """
    own = OWN.get(name.lower())
    if own is None:
        return f"what is searched is one of {FUNCTIONS}"
    around = re.compile(rf"\b{name}\(\s*((?:interval|range)\([^()]*\))\s*\)")
    call = re.compile(rf"\b{name}\(\s*\[?([^()\[\]]*)\]?\s*\)")
    # a range already, of which the function says how it is spread
    repaired = around.sub(r"tag(log,\1)" if own.startswith("tag") else r"\1", value)
    return f"write '{key}={call.sub(lambda found: own.format(found[1].strip()), repaired)}'"


def method_repair(key: str, value: str) -> str | None:
    """What to write for a call of another tool's object; None where the value is none, or none that is known.

    Args:
        key: What it is to be the value of.
        value: The call, as it was written.
    """
    found = METHOD_CALL.fullmatch(value.strip())
    if found is None or found[1].lower() not in OWN:
        return None
    name, arguments = found[1].lower(), found[2].split(",")
    if len(arguments) > 1 and NAME.fullmatch(arguments[0]):
        # Optuna and Hyperopt name what they sample
        arguments = arguments[1:]
    named = {word[1]: word[2] for word in map(KEYWORD.fullmatch, arguments) if word}
    if named.pop("log", "") == "True":
        name = LOG.get(OWN[name], name)
    bounds = [one for one in arguments if not KEYWORD.fullmatch(one)]
    bounds += [named[word] for word in ("low", "high", "choices") if word in named]
    return function_repair(key, name, f"{name}({','.join(one.strip() for one in bounds)})")
