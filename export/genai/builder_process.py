"""onnxruntime-genai's builder by its functions, in a process of its own: `python -m` this module.

Its own command line cannot be made in Python 3.14, which refuses a sign in its help.
"""

import sys

NUM_PLACES = 5


def call_builder(words: list[str]) -> None:
    """Build a folder.

    Args:
        words: Source, target, precision, execution provider and cache, then the builder's options as `name=value`.
    """
    from onnxruntime_genai.models.builder import create_model, parse_extra_options

    # no model of the hub, but a folder
    places = (None, *words[:NUM_PLACES])
    create_model(*places, **parse_extra_options(*places, words[NUM_PLACES:]))


if __name__ == "__main__":
    call_builder(sys.argv[1:])
