"""How weights are trained: one file a method.

Each offers `prepare(base, config, task) -> model to train`, `save(model, folder)`, and `load(base, folder)`.
"""
