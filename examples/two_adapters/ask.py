"""One base in memory, an adapter for each request: `ask.py FOLDER`, by onnxruntime-genai and tokenizers alone."""

import sys
from pathlib import Path

import numpy as np
import onnxruntime_genai
from tokenizers import Tokenizer

MAX_NEW_TOKENS = 16
# the adapter, and the prompt as it was trained: all before the answer
REQUESTS = [
    ("code", "### Language: Python \n### Question: Reverse a string s. \n### Answer: "),
    ("library", "User: Where can I print?\nAssistant: "),
    ("code", "### Language: Ruby \n### Question: Is xs empty? \n### Answer: "),
]


def main(folder: str) -> None:
    """Print each request's answer."""
    path = Path(folder)
    tokenizer = Tokenizer.from_file(str(path / "tokenizer.json"))
    model = onnxruntime_genai.Model(str(path / "genai"))
    adapters = onnxruntime_genai.Adapters(model)
    for name in sorted({name for name, _ in REQUESTS}):
        adapters.load(str(path / f"{name}.onnx_adapter"), name)
    for name, prompt in REQUESTS:
        ids = tokenizer.encode(prompt).ids
        settings = onnxruntime_genai.GeneratorParams(model)
        settings.set_search_options(max_length=len(ids) + MAX_NEW_TOKENS, do_sample=False)
        generator = onnxruntime_genai.Generator(model, settings)
        generator.set_active_adapter(adapters, name)
        generator.append_tokens(np.array([ids], dtype=np.int32))
        while not generator.is_done():
            generator.generate_next_token()
        answer = tokenizer.decode(generator.get_sequence(0)[len(ids) :], skip_special_tokens=True)
        print(f"{name}\t{answer.strip()!r}")


if __name__ == "__main__":
    main(sys.argv[1])
