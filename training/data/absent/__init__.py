"""Columns that only some rows of a file have."""
