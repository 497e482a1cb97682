"""Scores of a model on a split, with their intervals; the one reading of the test split."""
