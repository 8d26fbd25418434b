"""Release decisions as pure functions over frozen values. Standard library only; `now` is an argument."""
