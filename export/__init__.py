"""From a checkpoint to a verified, quantized and registered bundle."""
