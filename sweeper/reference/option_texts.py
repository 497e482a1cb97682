"""What an option of a config group is for, in a sentence."""

from slimtune.sweeper.reference.attribute_texts import introduction
from slimtune.sweeper.reference.sections import Section, option_comment


def option_text(section: Section, option: str) -> str:
    """What the type says that the option names, or else the comment at the beginning of its file."""
    kind = section.kinds.get(option)
    if kind is None:
        return option_comment(section.group, option)
    return introduction(kind).split("\n\n")[0]
