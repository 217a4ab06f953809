"""One file a change of the registry's schema, in order."""
