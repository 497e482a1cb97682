"""What the arguments of several commands name: a sweep, what is exported, a file to be written."""
