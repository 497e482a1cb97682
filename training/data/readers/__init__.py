"""Where rows come from: files, the hub, a person's own function. `training/data/readers/reader.py` is the door."""
