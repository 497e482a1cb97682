"""The Hydra app behind `slimtune sweep` and `slimtune train`, as commands and as Python functions."""
