"""Hydra's config groups. Values live here, types in `*/config/` and `*/*_config.py`."""

if __name__ == "conf":
    raise ImportError("this is slimtune's own folder; import slimtune.conf")
