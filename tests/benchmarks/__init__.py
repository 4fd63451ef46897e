"""Benchmarks: not part of the tests, since what they measure depends on the machine."""
