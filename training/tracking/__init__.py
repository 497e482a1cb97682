"""Runs in the tracker: where they are kept, what is logged, and the thread that writes it."""
