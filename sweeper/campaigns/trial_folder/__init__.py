"""The folder of a trial without a search: what it holds already, and whether that is gone on with."""
