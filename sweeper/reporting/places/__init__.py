"""That a sweep goes on in the tracker and the experiment in which it was begun."""
