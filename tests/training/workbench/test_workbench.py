import pickle
from collections.abc import Callable
from typing import Any

from slimtune.training.config.trial import parse_trial
from slimtune.training.hardware.resources import resolve
from slimtune.training.workbench.workbench import Workbenches


def test_the_workbench_that_was_used_last_is_kept_by_its_owner(config_of: Callable[..., dict[str, Any]]) -> None:
    """Another batch size shares it, another owner does not, and it is forgotten when told to."""
    benches = Workbenches()
    one, two = (parse_trial(config_of(f"fit.batch_size={size}")).section for size in (4, 8))
    first = benches.get(one, resolve(one.fit))
    assert benches.get(two, resolve(two.fit)) is first
    assert Workbenches(benches.read).get(one, resolve(one.fit)) is not first
    benches.clear()
    again = benches.get(one, resolve(one.fit))
    assert again is not first
    assert again.examples["train"][0] is first.examples["train"][0], "rows are not read again"


def test_in_another_process_it_begins_empty(config_of: Callable[..., dict[str, Any]]) -> None:
    benches = Workbenches()
    config = parse_trial(config_of()).section
    first = benches.get(config, resolve(config.fit))
    other: Workbenches = pickle.loads(pickle.dumps(benches))
    assert other.get(config, resolve(config.fit)) is not first
