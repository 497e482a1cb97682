"""One page that shows all of a sweep: a file that needs nothing but a browser."""
