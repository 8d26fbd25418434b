"""Runs that start within a tenth of a second: a server that holds everything loaded, and the launcher that asks it.

What a run does is in `jobs` and below; nothing in here knows a release.
"""
