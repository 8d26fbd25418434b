"""Jobs and their ops: promotion, rollback, readiness."""
