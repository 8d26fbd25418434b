"""What was promoted, by whom, with which evidence: SQLAlchemy and Alembic. No Dagster here."""
