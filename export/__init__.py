"""From a checkpoint to a verified, quantized and registered bundle."""

if __name__ == "export":
    raise ImportError("this is slimtune's own folder; import slimtune.export")
