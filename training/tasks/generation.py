"""Generation, summarization and translation: a causal model or an encoder-decoder, as the checkpoint is."""

from collections.abc import Sequence

from slimtune.training.config.task import GenerationTask
from slimtune.training.config.trial import TrialConfig
from slimtune.training.data.duplicates.compared_texts import prompt_fields
from slimtune.training.data.examples import Example
from slimtune.training.models.architecture import Architecture, architecture_of
from slimtune.training.tasks.causal_generation import Causal
from slimtune.training.tasks.seq2seq_generation import EncoderDecoder


def make(config: TrialConfig, train: Sequence[Example], labels: tuple[str, ...] | None) -> Causal | EncoderDecoder:
    """The task of a config, by what its checkpoint is.

    Raises:
        ModelError: The checkpoint is an encoder.
    """
    return of_architecture(config, architecture_of(config.model))


def of_architecture(config: TrialConfig, architecture: Architecture) -> Causal | EncoderDecoder:
    """The task of a config whose checkpoint need not be there."""
    assert isinstance(config.task, GenerationTask)
    task_class = EncoderDecoder if architecture.is_encoder_decoder else Causal
    return task_class(
        config.task,
        config.data.max_length,
        config.data.seed,
        architecture.max_positions,
        prompt_fields=prompt_fields(config),
    )
