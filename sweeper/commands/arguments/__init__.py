"""What the arguments of several commands name: a sweep, and what is exported."""
