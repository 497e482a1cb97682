"""What may vary: dimensions from a config, and from Hydra's sweep syntax."""
