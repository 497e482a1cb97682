"""What a config for Hydra's Optuna sweeper says, in slimtune's words."""
