"""Who is like whom: the graph of similar audiences, its communities, what these are about."""
