"""Texts as token ids, at the pace of the library that makes them."""
