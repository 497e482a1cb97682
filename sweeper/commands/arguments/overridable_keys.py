"""Keys of the config that a command takes as overrides."""


def overridable_keys(section: str | None = None) -> list[str]:
    """Dotted.

    Args:
        section: The first part of them; None is all.
    """
    from slimtune.sweeper.reference.key_facts import key_facts

    return [fact.key for fact in key_facts() if section in (None, fact.key.partition(".")[0])]
