"""A merged model as a folder of transformers."""

import copy
from pathlib import Path
from typing import Any

from slimtune.training.atomic_files import folder_aside
from slimtune.training.errors import ModelError


def save_merged(model: Any, tokenizer: Any, folder: Path) -> None:
    """Write a folder that transformers, onnxruntime-genai's builder and others read.

    Args:
        model: A merged model of transformers.
        tokenizer: Its own.
        folder: Where to write.

    Raises:
        ModelError: The model has layers that its architecture lacks, which readers would leave out.
    """
    import torch
    import transformers

    with torch.device("meta"):
        plain = type(model)(copy.deepcopy(model.config))
    if more := sorted(model.state_dict().keys() - plain.state_dict().keys()):
        raise ModelError(
            f"the model has weights that {type(model).__name__} lacks, such as {more[0]}, which others would leave "
            "out; train with a method whose weights can be merged, such as method=lora"
        )
    transformers.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    with folder_aside(folder) as aside:
        model.save_pretrained(aside)
        tokenizer.save_pretrained(aside)
