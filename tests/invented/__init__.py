"""Answers in the wire formats of the networks, about people and posts that do not exist."""
