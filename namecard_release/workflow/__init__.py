"""The steps of a release, written once over the ports: read, decide, act. No Dagster, no adapter is imported here."""
