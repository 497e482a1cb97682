"""The loss of next tokens in chunks, where the logits of a whole batch would be large."""
