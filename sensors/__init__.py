"""Sensors and schedules: alarm state, run status, readiness."""
