"""The outside world, one module each; they translate its errors into `errors.py`. No Dagster here."""
