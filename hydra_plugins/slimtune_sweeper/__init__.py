"""The slimtune sweeper under the name that Hydra discovers."""
