"""The CMDB: what Sirocco knows, in SQLite or PostgreSQL, through SQLAlchemy."""
