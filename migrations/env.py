"""Run one lineage (the core's or a plugin's) on the connection that `marketplace.hooks.lineages` hands over."""

from alembic import context
from alembic.operations import ops

config = context.config
facts = config.attributes


def keep_tables(_context, _revision, directives):
    """Never emit DROP TABLE: a table that no model names belongs to a plugin that is off or absent."""
    for script in directives:
        for part in (script.upgrade_ops, script.downgrade_ops):
            if part is not None and part is script.upgrade_ops:
                part.ops = [op for op in part.ops if not isinstance(op, ops.DropTableOp)]


context.configure(
    connection=facts["connection"],
    target_metadata=facts["metadata"],
    version_table=facts["version_table"],
    include_name=facts["include_name"],
    include_object=facts["include_object"],
    process_revision_directives=keep_tables,
    compare_type=True,
    render_as_batch=facts["connection"].dialect.name == "sqlite",
    transactional_ddl=True,
)

with context.begin_transaction():
    context.run_migrations()
