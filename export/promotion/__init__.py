"""Who gets an alias: what is known of a model, both compared on the same rows, the gate's rules, and the move."""
