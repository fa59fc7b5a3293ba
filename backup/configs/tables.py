"""Owns the tables of configs.db, the same at a site and at the centre; migration configs_0001 makes them.

Times are wall clock, ns since 1970: the site's there, the centre's here.
"""

import sqlalchemy as sa

METADATA = sa.MetaData()

# One row a configuration that differed from the one before.
COPIES = sa.Table(
    "copies",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("site", sa.Text, nullable=False),
    sa.Column("device", sa.Text, nullable=False),
    sa.Column("taken_ns", sa.BigInteger, nullable=False),
    # When the device was last seen with the configuration before; null for its first copy.
    sa.Column("since_ns", sa.BigInteger),
    # The moment that is sealed in with the full copy: `taken_ns` by the site's clock.
    sa.Column("sealed_ns", sa.BigInteger, nullable=False),
    sa.Column("family", sa.Text, nullable=False),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("who", sa.Text, nullable=False),
    sa.Column("added", sa.Integer, nullable=False),
    sa.Column("removed", sa.Integer, nullable=False),
    sa.Column("masked", sa.Text, nullable=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    # At a site: whether the centre has it.
    sa.Column("sent", sa.Boolean, nullable=False, server_default="0"),
    sa.Index("copies_by_device", "site", "device", "taken_ns"),
)

# One row a device: how the last look at it went.
LOOKS = sa.Table(
    "looks",
    METADATA,
    sa.Column("site", sa.Text, primary_key=True),
    sa.Column("device", sa.Text, primary_key=True),
    sa.Column("family", sa.Text, nullable=False),
    sa.Column("looked_ns", sa.BigInteger, nullable=False),
    # The last look that brought a whole configuration, changed or not.
    sa.Column("good_ns", sa.BigInteger),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("reason_uk", sa.Text, nullable=False, server_default=""),
    sa.Column("reason_en", sa.Text, nullable=False, server_default=""),
    sa.Column("is_weak", sa.Boolean, nullable=False, server_default="0"),
)
