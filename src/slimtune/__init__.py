"""Describe the search once, get the best small language model: tuned, proven, quantized and registered."""
