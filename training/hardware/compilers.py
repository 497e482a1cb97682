"""The compilers of C++ that `fit.compile` can use."""

COMPILERS = ("g++", "clang++", "c++")
