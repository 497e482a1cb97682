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
    **dict.fromkeys(("arange", "xrange", "quniform", "qrandint", "linspace"), "range({})"),
}
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
