"""The command line: parse, call, exit code. Exit 0 good, 1 refused or failed, 2 misuse, 3 unknown."""
