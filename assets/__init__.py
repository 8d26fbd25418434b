"""The release as Dagster assets: each reads, calls one domain function, emits."""
