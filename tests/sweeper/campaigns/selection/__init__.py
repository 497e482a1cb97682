"""From the best few to the winner."""
