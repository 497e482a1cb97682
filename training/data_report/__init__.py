"""What a person should know about the rows before training on them."""
