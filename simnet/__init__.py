"""A simulated social world that speaks the real wire formats over HTTP."""
