from slimtune.sweeper.space.dimension import Choice, FloatRange, IntRange
from slimtune.sweeper.space.start_point import point_in


def test_the_configs_own_point_is_found_where_the_space_holds_it() -> None:
    space = {
        "fit.learning_rate": FloatRange(1e-4, 1e-3, log=True),
        "fit.batch_size": Choice((8, 16)),
        "fit.patience": IntRange(1, 9, step=4),
        "method.r": IntRange(8, 64),
        "method.target_modules": Choice(("all-linear", "[query,value]")),
        "method": Choice(("lora", "full")),
        "+fit.new": FloatRange(0.0, 1.0),
    }
    fit = {"learning_rate": 1e-3, "batch_size": 32, "patience": 3, "max_grad_norm": 1.0, "flag": True}
    values = {"fit": fit, "method": {"r": 8, "target_modules": ["query", "value"]}}
    space |= {"fit.max_grad_norm": Choice((0.5, 1)), "fit.flag": Choice((1, 0))}
    assert point_in(space, values, {"method": "lora"}) == {
        "method": "lora",
        "fit.max_grad_norm": 1,
        "fit.learning_rate": 1e-3,
        "method.r": 8,
        "method.target_modules": "[query,value]",
    }
