"""The release and operations pipeline of NameCard. Nothing is imported here: each symbol has one import path."""
