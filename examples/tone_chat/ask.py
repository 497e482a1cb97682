"""The tone of phrases, by onnxruntime-genai and tokenizers alone: `ask.py FOLDER PHRASE...`."""

import sys
from pathlib import Path

import numpy as np
import onnxruntime_genai
from tokenizers import Tokenizer

PROMPT = "<|start_header_id|>user<|end_header_id|>\n{text}<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n"
MAX_NEW_TOKENS = 8


def main(folder: str, phrases: list[str]) -> None:
    """Print each phrase with its answer."""
    tokenizer = Tokenizer.from_file(str(Path(folder) / "tokenizer.json"))
    model = onnxruntime_genai.Model(folder)
    for phrase in phrases:
        prompt = tokenizer.encode(PROMPT.format(text=phrase)).ids
        settings = onnxruntime_genai.GeneratorParams(model)
        settings.set_search_options(max_length=len(prompt) + MAX_NEW_TOKENS, do_sample=False)
        generator = onnxruntime_genai.Generator(model, settings)
        generator.append_tokens(np.array([prompt], dtype=np.int32))
        while not generator.is_done():
            generator.generate_next_token()
        answer = tokenizer.decode(generator.get_sequence(0)[len(prompt) :], skip_special_tokens=True)
        # a model that has learned little may break the line
        print(f"{' '.join(answer.split())}\t{phrase}")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
