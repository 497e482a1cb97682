"""Evaluations of a trial while it trains: its scores, what they have come to, and whether it ends early."""
