"""Whether a tokenizer knows any words: without files of one, transformers makes one of special tokens alone."""

from pathlib import Path
from typing import Any

from slimtune.training.errors import ModelError
from slimtune.training.models.config_faults import TOKENIZERS

SAVE_IT = "save that of the model beside it, in Python: tokenizer.save_pretrained('{place}')"


def check_vocabulary(tokenizer: Any, place: str, *, said: str) -> None:
    """Whether there is more in a vocabulary than special tokens.

    Args:
        tokenizer: As transformers made it.
        place: The model's folder, or its hub name.
        said: What an error calls the model.

    Raises:
        ModelError: There is not.
    """
    added = {str(token) for token in tokenizer.added_tokens_decoder.values() if token.special}
    special = added | set(tokenizer.all_special_tokens)
    if len(tokenizer) <= len(special):
        lacking = _lacking(Path(place))
        raise ModelError(
            f"{said}: {lacking}its tokenizer knows special tokens alone ({', '.join(sorted(special)) or 'none'}), and "
            f"no word of a text; {SAVE_IT.format(place=place)}"
        )


def _lacking(folder: Path) -> str:
    has_none = folder.is_dir() and not any((folder / name).is_file() for name in TOKENIZERS)
    return f"the folder has no tokenizer (none of {', '.join(TOKENIZERS)}), so that " if has_none else ""
