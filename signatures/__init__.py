"""Arrays in, arrays out: audiences as signatures. Reserved: nothing is here yet."""
