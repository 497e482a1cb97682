"""One worker: a trial's config, data, model, method, fit, evaluation and report."""
