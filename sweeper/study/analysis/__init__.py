"""What a study says of its parameters."""
