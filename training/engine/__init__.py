"""Trials under way: the loop over slots, one optimizer step, evaluations, early stopping, packing."""
