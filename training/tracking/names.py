"""Names that MLflow takes, made of any."""

import re
from functools import cache

# MLflow's limits: letters, digits and some signs, no folder of a path that is none, and a length
TAKEN = re.compile(r"[\w.\- :/]")
MAX_NAME = 250
WORDS = {"@": "_at_", "%": "_percent_", "+": "_plus_", "&": "_and_", "=": "_is_", "<": "_below_", ">": "_above_"}

# tags of a trial's run once its sweep has chosen: `true` or `false`
WINNER_TAG, FINALIST_TAG = "winner", "finalist"


@cache
def mlflow_name(name: str) -> str:
    """A name of a metric, a param or a tag as MLflow takes it: the same, or one that tells what it was.

    Signs that MLflow does not take are spelled out, so that names which differ in them stay apart.
    """
    spelled = "".join(sign if TAKEN.match(sign) else WORDS.get(sign, f"_x{ord(sign):x}_") for sign in name)
    parts = [part if part.strip(".") else "_" * max(1, len(part)) for part in spelled.split("/")]
    return "/".join(parts)[:MAX_NAME]
