"""Where the runs of a sweep lie: noted with the sweep, and known again."""
