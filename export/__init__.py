"""From a checkpoint to a verified, quantized and registered bundle."""

if __name__ != "slimtune.export":
    raise ImportError(f"{__name__} is a folder of slimtune's; import slimtune.export")
