"""Audiences: who follows whom, from lists of edges to reach, overlap, likeness and communities."""
