"""Optuna's samplers from our config, seeded per trial."""

import hashlib

from optuna.samplers import BaseSampler, RandomSampler, TPESampler

from sweeper import config


def sampler_of(settings: config.SamplerConfig, *, seed: int, index: int) -> BaseSampler:
    """The sampler of one trial.

    Every worker makes its own, so the seed comes from the trial's place in the sweep: a shared seed would give all
    workers the same suggestions, and a resumed sweep others than an unbroken one.
    """
    derived = int.from_bytes(hashlib.sha256(f"{seed}/{index}".encode()).digest()[:4], "little")
    match settings:
        case config.RandomSampler():
            return RandomSampler(seed=derived)
        case config.TpeSampler(n_startup_trials=startup):
            return TPESampler(seed=derived, n_startup_trials=startup)
