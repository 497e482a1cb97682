"""Typed sections of a trial's config; every problem is found at once, and nothing heavy is imported."""
