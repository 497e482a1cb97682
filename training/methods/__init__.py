"""How weights are trained: one file a method.

Each offers `prepare(model, ...) -> model to train` and `save(model, folder)`.
"""
