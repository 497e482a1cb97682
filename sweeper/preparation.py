"""What is looked at before the first trial: the data is read and split, the model is there."""

from typing import NamedTuple

from sweeper.study.pruners import Rungs
from training.cadence import plan_of
from training.config import LoraConfig, TrialConfig
from training.methods import lora
from training.model import check_model
from training.resources import resolve
from training.split import load_splits
from training.tasks.classification import classification_of
from training.workbench import fingerprint


class Prepared(NamedTuple):
    """Attributes:
    rungs: Evaluation cadence and length of the base config's trial.
    data_fingerprint: sha256 of the rows and their split.
    """

    rungs: Rungs
    data_fingerprint: str


def prepare(config: TrialConfig) -> Prepared:
    """Check data, labels, model and device.

    Raises:
        UserError: Something cannot be used; no trial was begun.
    """
    splits = load_splits(config.data)
    task = classification_of(config.task.labels, splits.train)
    for name in ("validation", "test"):
        task.label_ids(getattr(splits, name), split=name)
    model = check_model(config.model, task)
    if isinstance(config.method, LoraConfig):
        lora.check_names(model, config.method)
    resolve(config.fit)
    plan = plan_of(config.fit, len(splits.train))
    return Prepared(Rungs(plan.eval_every, plan.total_examples), fingerprint(splits))
