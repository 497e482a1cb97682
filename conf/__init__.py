"""Hydra's config groups. Values live here, types in `*/config/` and `*/*_config.py`."""

if __name__ != "slimtune.conf":
    raise ImportError(f"{__name__} is a folder of slimtune's; import slimtune.conf")
