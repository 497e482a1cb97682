"""Graphs with smaller weights, made of the fp32 graph."""
