"""Configs of other fine-tuning tools, as slimtune has them: what `slimtune import` writes."""
