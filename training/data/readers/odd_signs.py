"""Signs in texts that show that a file was decoded wrongly, or is broken: they are read as they stand, and told."""

import re
from collections import Counter

# controls but white space, and the sign that decoders put for what they cannot read
ODD = re.compile(r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ufeff\ufffd]")
# beginnings of two and more bytes of UTF-8, as cp1252 and latin-1 read them, each with a second byte
CONTINUATIONS = bytes(range(0x80, 0xC0)).decode("cp1252", "ignore") + "".join(map(chr, range(0x80, 0xC0)))
TWICE_DECODED = re.compile(f"[\xc2-\xf4][{re.escape(CONTINUATIONS)}]")
WIDE_SHARE, BESIDE = 0.4, 12
WIDE = "control characters as every second sign: is this UTF-16 read as UTF-8? Save the data as UTF-8"
NUL = "NUL characters (\\x00)"
CONTROLS = "control characters that are no white space"
WINDOWS = "controls that no text has (\\x80 to \\x9f): is this cp1252 read as latin-1? Use data.encoding=cp1252"
UNREAD = "U+FFFD, by which a decoder says that it could not read something: the letters were lost before"
MARK = "byte order marks (U+FEFF) within the text, as files have them that were put together"
MOJIBAKE = "UTF-8 read as another encoding, such as 'Ã©' for 'é': read the original as UTF-8"


class OddSigns:
    """Counts texts with such signs, by what they show."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._first: dict[str, str] = {}

    def see(self, *texts: str) -> None:
        """Count a row's texts, as one."""
        seen = {reason: text for text in reversed(texts) for reason in _reasons(text)}
        for reason, text in seen.items():
            self._counts[reason] += 1
            self._first.setdefault(reason, text)

    def notes(self) -> list[str]:
        """A sentence for each reason, the most frequent first."""
        return [
            f"texts with {reason}: {count:,}, e.g. {_shown(self._first[reason])}; they are kept as they are"
            for reason, count in self._counts.most_common()
        ]


def _reasons(text: str) -> set[str]:
    if text.isprintable() and text.isascii():
        return set()
    signs = ODD.findall(text)
    found = {_reason(sign) for sign in signs}
    if len(signs) > 2 and WIDE_SHARE * len(text) < sum(sign < "\x20" for sign in signs):
        found = (found - {NUL, CONTROLS}) | {WIDE}
    return (found - {WINDOWS}) | {MOJIBAKE} if _is_twice_decoded(text) else found


def _reason(sign: str) -> str:
    match sign:
        case "\0":
            return NUL
        case "\ufffd":
            return UNREAD
        case "\ufeff":
            return MARK
        case _:
            return WINDOWS if sign >= "\x80" else CONTROLS


def _is_twice_decoded(text: str) -> bool:
    """Whether its signs beyond ASCII are well-formed UTF-8 when they are written in cp1252 or latin-1."""
    if TWICE_DECODED.search(text) is None:
        return False
    for encoding in ("cp1252", "latin-1"):
        try:
            text.encode(encoding).decode()
        except UnicodeError:
            continue
        return True
    return False


def _shown(text: str) -> str:
    """What stands around the first of them."""
    match = ODD.search(text) or TWICE_DECODED.search(text)
    first = max(0, match.start() - BESIDE) if match else 0
    return repr(text[first : first + 2 * BESIDE])
