"""The channels to people: one module each, their secrets, and the file that stands in for one."""
