"""Where a sweep is looked at: the terminal, and the sweep's own run in the tracker."""
