"""What Alembic runs for each command: our connection, inside our transaction."""

from alembic import context

from registry.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
