"""One file a way to ask a network."""
