"""Owns the inventory's two tables in facts.db; the same as migration facts_0001 makes them.

`inventory_version` holds one canonical JSON document per version, `inventory_identity` every id ever given, so that an
id of a thing long gone is never given to another. Note: collector/design/0005-inventory-tables-migrations.md.
"""

from pathlib import Path

import sqlalchemy as sa

FACTS_MIGRATIONS = Path(__file__).parent.parent / "migrations_facts"

_metadata = sa.MetaData()

inventory_version = sa.Table(
    "inventory_version",
    _metadata,
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("accepted_wall_ns", sa.BigInteger, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("restores", sa.Integer),
    sa.Column("document", sa.LargeBinary, nullable=False),
)

inventory_identity = sa.Table(
    "inventory_identity",
    _metadata,
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("site", sa.Text, nullable=False),
    sa.Column("since_version", sa.Integer, nullable=False),
)
