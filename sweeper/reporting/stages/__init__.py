"""What a command is at: stages on a terminal, in a log, and that it works while it says nothing."""
