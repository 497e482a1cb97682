"""How an onnxruntime-genai folder generates by itself: greedy, as it was evaluated, until the tokenizer's end."""

import json
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from slimtune.export.bundle.bundle import TOKENIZER
from slimtune.export.graph_names import GENAI_SETTINGS
from slimtune.export.runtime.tokenizer_file import open_tokenizer

# what transformers does where a model's generation_config.json says nothing
SEARCH: dict[str, Any] = {
    "early_stopping": False,
    "length_penalty": 1.0,
    "min_length": 0,
    "no_repeat_ngram_size": 0,
    "repetition_penalty": 1.0,
}


def write_settings(folder: Path, source: Path) -> None:
    """Write into the folder's `genai_config.json` what the builder leaves out or takes from elsewhere.

    Tokens: the end is the tokenizer's; further ones of the model's config count only if they are special tokens.
    Search: never sampled, and with the penalties of `generation_config.json`, of which the builder takes none.
    Provider: none, which is the CPU; whoever has a GPU appends it.

    Args:
        folder: What the builder wrote.
        source: The transformers folder that it is built from.
    """
    path = folder / GENAI_SETTINGS
    settings = json.loads(path.read_text(encoding="utf-8"))
    settings["model"] |= _tokens(settings["model"], folder)
    settings["model"]["decoder"]["session_options"]["provider_options"] = []
    settings["search"] |= {**SEARCH, **_given(source), "do_sample": False, "num_beams": 1}
    path.write_text(json.dumps(settings, indent=1), encoding="utf-8")


def _tokens(model: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Ids of the special tokens, by the builder's names for them."""
    tokenizer = open_tokenizer(folder / TOKENIZER)
    names = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    own = {kind: _id(tokenizer, names.get(f"{kind}_token")) for kind in ("bos", "eos", "pad")}
    special = {number for number, token in tokenizer.get_added_tokens_decoder().items() if token.special}
    said = model["eos_token_id"] if isinstance(model["eos_token_id"], list) else [model["eos_token_id"]]
    ends = said
    if own["eos"] is not None:
        ends = [own["eos"], *(number for number in said if number in special and number != own["eos"])]
    return {
        "bos_token_id": model["bos_token_id"] if own["bos"] is None else own["bos"],
        "eos_token_id": ends[0] if len(ends) == 1 else ends,
        "pad_token_id": ends[0] if own["pad"] is None else own["pad"],
    }


def _id(tokenizer: Tokenizer, token: Any) -> int | None:
    """Of a special token, as text or as transformers writes it with its options."""
    text = token["content"] if isinstance(token, dict) else token
    return None if text is None else tokenizer.token_to_id(text)


def _given(source: Path) -> dict[str, Any]:
    """What the model's own `generation_config.json` says of the search."""
    path = source / "generation_config.json"
    given = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return {name: given[name] for name, usual in SEARCH.items() if isinstance(given.get(name), type(usual))}
