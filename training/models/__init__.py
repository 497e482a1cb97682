"""Base models and tokenizers: found, loaded, or made from a config."""
