"""Rows that are nearly the same, and by which texts they are compared."""
