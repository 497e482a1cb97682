"""What metrics of the user's own are given: plain numbers, texts and rows that no comparison takes for something else.

A metric that compares a class's number with its name would find all rows different, and a whole sweep would go by a
wrong score. So such a comparison is an error. In all else a value is the `int`, `float`, `str`, `tuple` or `list` that
it is: it is equal to it, has its hash, and is one to NumPy, scikit-learn and JSON.
"""
