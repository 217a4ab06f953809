"""One SQL database of clients, keys, campaigns, targets, lanes and jobs."""
