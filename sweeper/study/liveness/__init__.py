"""Who works on a sweep, whether they still do, and what they are asked."""
