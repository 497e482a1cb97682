"""Hydra's config groups. Values live here, types in `*/config.py`."""
