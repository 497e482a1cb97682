"""What a variant costs beside PyTorch on the validation rows: scores, size, time."""
