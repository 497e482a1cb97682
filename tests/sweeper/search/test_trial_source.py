import pytest

from slimtune.sweeper.search.trial_source import short_params
from slimtune.sweeper.space.space import Scalar


@pytest.mark.parametrize(
    ("params", "name"),
    [
        ({"fit.learning_rate": 0.000182, "method.r": 8, "fit.batch_size": 16}, "1.8e-4 r8 b16"),
        ({"method": "lora", "fit.schedule": "cosine"}, "method=lora schedule=cosine"),
        ({"fit.warmup_share": 0.0612}, "warmup_share=6.1e-2"),
    ],
)
def test_run_names_fit_the_ui(params: dict[str, Scalar], name: str) -> None:
    assert short_params(params) == name
