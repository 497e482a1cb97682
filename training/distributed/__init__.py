"""One trial over several processes: who is in the group, and how weights are shared out."""
