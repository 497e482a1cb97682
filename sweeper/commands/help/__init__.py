"""What can be typed: the meaning of keys, and their completion in shells."""
