"""Makes the corpora that are filled from hand-written material; each module is run with `python -m`."""
