"""What Hydra's launchers differ in: where workers run, what is left to them there, and how they end."""
