"""Scores of any model on any labelled rows."""
