"""A model from a config instead of a checkpoint: its tokenizer is trained on the data, its weights are drawn."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from filelock import FileLock

from slimtune.training.atomic_files import folder_aside
from slimtune.training.broken_files import text_of_error
from slimtune.training.config.schema import suggestion
from slimtune.training.config.trial import TrialConfig
from slimtune.training.data.examples import Example
from slimtune.training.errors import ConfigError, is_out_of_memory
from slimtune.training.usual_places import home_path

# part of the key of a made model: raise it when the making changes
MAKING_VERSION = 1
END_TOKEN, PAD_TOKEN = "<|end|>", "<|pad|>"


def with_model(config: TrialConfig, train: Sequence[Example]) -> TrialConfig:
    """The config with a folder to load from: the same, or that of the model made from `model.scratch`.

    It is made once for the data and the settings, into `data.cache_dir/scratch`, and is the same wherever it is made.

    Args:
        config: The trial's.
        train: Its training rows.

    Raises:
        ConfigError: transformers knows no such config.
    """
    if config.model.scratch is None:
        return config
    texts = [f"{one.text}\n{one.label}" if one.label else one.text for one in train]
    facts = json.dumps([MAKING_VERSION, config.model.scratch, config.model.seed], sort_keys=True, default=str)
    digest = hashlib.sha256(facts.encode())
    for text in texts:
        digest.update(text.encode() + b"\0")
    folder = home_path(config.data.cache_dir) / "scratch" / digest.hexdigest()[:40]
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if not folder.is_dir():
            with folder_aside(folder) as aside:
                make_from_config(config.model.scratch, texts, aside, seed=config.model.seed)
    return config._replace(model=replace(config.model, name_or_path=str(folder)))


def make_from_config(settings: Mapping[str, Any], texts: Sequence[str], folder: Path, *, seed: int) -> None:
    """Write config, tokenizer and weights.

    Args:
        settings: `model_type`, `vocab_size`, and whatever else that type's config takes.
        texts: What the tokenizer is trained on.
        folder: Where to write.
        seed: Draws the weights.

    Raises:
        ConfigError: transformers knows no such config, or it does not hold together.
    """
    import torch
    import transformers
    from transformers import CONFIG_MAPPING

    from slimtune.training.models.config_faults import no_shares, said_of_key

    tokenizer = trained_tokenizer(texts, int(settings["vocab_size"]))
    special = {name: getattr(tokenizer, name) for name in ("bos_token_id", "eos_token_id", "pad_token_id")}
    known = CONFIG_MAPPING[settings["model_type"]]().to_dict() if settings["model_type"] in CONFIG_MAPPING else settings
    problems = [f"model.scratch.{key} is not a key; {suggestion(key, known)}" for key in settings if key not in known]
    if problems:
        raise ConfigError(problems)
    values = {**settings, **special, "vocab_size": len(tokenizer), "decoder_start_token_id": tokenizer.pad_token_id}
    if problems := [f"model.scratch.{problem}" for problem in no_shares(settings)]:
        raise ConfigError(problems)
    try:
        torch.manual_seed(seed)
        model = _built(values)
        _try(model)
    except Exception as error:
        # any: values that do not go together fail wherever they are read
        if is_out_of_memory(error):
            raise
        fault = said_of_key(error, values, _try_sizes, where="model.scratch.")
        reason = f"{type(error).__name__}: {text_of_error(error, 300)}"
        problem = f"model.scratch is {dict(settings)}, of which no model can be made ({reason})"
        raise ConfigError([fault or problem]) from error
    transformers.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _built(values: Mapping[str, Any]) -> Any:
    from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSeq2SeqLM

    config = AutoConfig.for_model(**values)
    kind: Any = AutoModelForSeq2SeqLM if config.is_encoder_decoder else AutoModelForCausalLM
    return kind.from_config(config)


def _try(model: Any) -> None:
    """One pass as in training: some values go together only for building."""
    import torch

    ids_BT = torch.zeros(2, 4, dtype=torch.long)
    more = {"decoder_input_ids": ids_BT} if model.config.is_encoder_decoder else {}
    with torch.no_grad():
        model.train()(input_ids=ids_BT, attention_mask=torch.ones_like(ids_BT), **more)
    model.eval()


def _try_sizes(values: Mapping[str, Any]) -> None:
    """The same without memory: what a key is by default may be large."""
    import torch
    from torch._subclasses.fake_tensor import FakeTensorMode

    with torch.device("meta"):
        model = _built(values)
    with FakeTensorMode(allow_non_fake_inputs=True):
        _try(model.to_empty(device="cpu"))


def trained_tokenizer(texts: Sequence[str], vocab_size: int) -> Any:
    """Byte-level BPE (Sennrich et al. 2016; bytes as in GPT-2): nothing is unknown to it."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=[END_TOKEN, PAD_TOKEN],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        bos_token=END_TOKEN,
        eos_token=END_TOKEN,
        pad_token=PAD_TOKEN,
        clean_up_tokenization_spaces=False,
    )
