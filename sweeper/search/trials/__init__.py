"""The trials of one worker: where they come from, what runs them, what they cost."""
