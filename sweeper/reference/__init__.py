"""What every key of the config and every command means, from their types and parsers, for people and for shells."""
