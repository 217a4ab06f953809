"""Compiled kernels: from the bytes of an answer to the rows of a page, or not at all."""
