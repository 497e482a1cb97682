"""A first config for one's own rows: what they seem to be, questions, and the file that `slimtune init` writes."""
