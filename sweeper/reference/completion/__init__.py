"""Scripts by which shells complete a command line; each has all words in it, so that nothing is started for a Tab."""
