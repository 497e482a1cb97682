"""What trials of a pass have of their own, stacked: weights, gradients, moments, and whose rows are whose."""
