"""Whether a tokenizer knows any words: without files of one, transformers makes one of special tokens alone."""

import itertools
from pathlib import Path
from typing import Any

from slimtune.training.errors import ModelError
from slimtune.training.models.architecture import WRITERS
from slimtune.training.models.config_faults import TOKENIZERS

SAVE_IT = "save that of the model beside it, in Python: tokenizer.save_pretrained('{place}')"
# of a vocabulary, tokens of several signs that are tried
MOST_TRIED = 200


def check_has_tokens(tokenizer: Any, place: str, *, said: str) -> None:
    """Whether there is more in a vocabulary than special tokens.

    Args:
        tokenizer: As transformers made it.
        place: The model's folder, or its hub name.
        said: What an error calls the model.

    Raises:
        ModelError: There is not, or nothing makes a token of several signs of a text.
    """
    added = {str(token) for token in tokenizer.added_tokens_decoder.values() if token.special}
    special = added | set(tokenizer.all_special_tokens)
    if len(tokenizer) <= len(special):
        lacking = _lacking(Path(place))
        raise ModelError(
            f"{said}: {lacking}its tokenizer knows special tokens alone ({', '.join(sorted(special)) or 'none'}), and "
            f"no word of a text; {SAVE_IT.format(place=place)}"
        )
    if not _merges(tokenizer, special):
        raise ModelError(
            f"{said}: its tokenizer makes single signs of every text, since none of its merges gives a token of its "
            f"vocabulary; copy the merges.txt that its vocab.json came with, or {SAVE_IT.format(place=place)}"
        )


def lacking_token(tokenizer: Any, head_type: str | None) -> str | None:
    """Which special token a tokenizer must have and has not, with the repair; None if it has all.

    Args:
        tokenizer: As it was loaded, so that its end pads where nothing else does.
        head_type: peft's name of the task; None if it is not known yet.
    """
    lacking = {
        "eos_token": ("end-of-sequence token", head_type in WRITERS and tokenizer.eos_token_id is None),
        "pad_token": ("token to pad with", tokenizer.pad_token_id is None),
    }
    for key, (what, is_lacking) in lacking.items():
        if is_lacking:
            return (
                f"whose tokenizer has no {what}; set {key} in its tokenizer_config.json to a token of its vocabulary "
                f"({'the one of eos_token_id in config.json' if key == 'eos_token' else 'e.g. [PAD] or <pad>'})"
            )
    return None


def _merges(tokenizer: Any, special: set[str]) -> bool:
    """Whether a tokenizer that merges pairs comes to any of the tokens that are pairs."""
    backend: Any = getattr(tokenizer, "backend_tokenizer", None)
    if type(getattr(backend, "model", None)).__name__ != "BPE":
        return True
    pairs = (token for token in tokenizer.get_vocab() if len(token) > 1 and token not in special and token[0] != "<")
    tried = list(itertools.islice(pairs, MOST_TRIED))
    return not tried or any(len(backend.model.tokenize(token)) == 1 for token in tried)


def has_tokenizer(folder: Path) -> bool:
    """Whether a folder has a file of one."""
    return any((folder / name).is_file() for name in TOKENIZERS)


def _lacking(folder: Path) -> str:
    has_none = folder.is_dir() and not has_tokenizer(folder)
    return f"the folder has no tokenizer (none of {', '.join(TOKENIZERS)}), so that " if has_none else ""
