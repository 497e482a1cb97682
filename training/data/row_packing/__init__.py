"""Several short examples in one row, so that little of a batch is padding."""
