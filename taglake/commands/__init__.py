"""One file a noun; each command parses its arguments and hands over to the rooms."""
