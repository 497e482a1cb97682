"""Where rows come from: files, the hub, a person's own function. `training/reader.py` is the door."""
