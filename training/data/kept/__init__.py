"""Rows as they were read and split, kept in the cache: read by whoever needs them next, and by all at once."""
