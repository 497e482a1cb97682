"""A trained model as transformers' own folders: merged, or in few bits."""
