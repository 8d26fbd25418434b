"""Our in-process launcher of the pinned AWS emulator: what makes its alarms, metrics and queues behave like AWS.

One module per behaviour, each with an `install()` that wraps the emulator's own functions; `internals` holds
every symbol that is touched. Nothing here is imported by the pipeline: it runs as
`python -m namecard_release.sandbox.emulator`.
"""
