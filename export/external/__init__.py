"""Third-party checkpoints and adapters: what they are, and whether they can be taken as they say."""
