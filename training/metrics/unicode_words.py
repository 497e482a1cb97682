"""Words of a text in any script, for ROUGE."""

import re
import unicodedata
from functools import lru_cache

from rouge_score.tokenizers import Tokenizer

ASCII_WORD = re.compile(r"[a-z0-9]+")
# scripts that put no blank between words: each letter counts by itself, as is usual for ROUGE of Chinese
WITHOUT_BLANKS = ("CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR", "TIBETAN")


class UnicodeWords(Tokenizer):  # type: ignore[misc]
    """Runs of letters, digits and the marks on them, in lower case; of ASCII text what rouge-score's own gives."""

    def tokenize(self, text: str) -> list[str]:
        """The words, in order."""
        text = text.lower()
        return ASCII_WORD.findall(text) if text.isascii() else _words(unicodedata.normalize("NFC", text))


def _words(text: str) -> list[str]:
    words: list[str] = []
    before: str | None = None
    for sign in text:
        kind = _kind(sign)
        if before is not None and (kind == "mark" or kind == before == "word"):
            words[-1] += sign
            continue
        before = None if kind == "mark" else kind
        if before is not None:
            words.append(sign)
    return words


@lru_cache(maxsize=4096)
def _kind(sign: str) -> str | None:
    """`word` for letters and digits, `alone` for those of a script without blanks, `mark` on a letter, or None."""
    category = unicodedata.category(sign)[0]
    if category == "M":
        return "mark"
    if category not in "LN":
        return None
    return "alone" if unicodedata.name(sign, "").startswith(WITHOUT_BLANKS) else "word"
