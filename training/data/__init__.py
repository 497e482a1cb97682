"""Rows: read, parsed into examples, split, encoded, batched."""
