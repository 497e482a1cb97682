"""What this machine can do and what of slimtune is installed: what `slimtune doctor` prints."""
