"""Where trials are logged beside the tracker."""
