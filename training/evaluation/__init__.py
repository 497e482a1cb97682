"""Scores of a model on a split, with their intervals, label by label, row by row."""
