"""From networks to records: lanes, budgets, schedule, sources, pipeline, spool."""
