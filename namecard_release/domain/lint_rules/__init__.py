"""The lint's rules over a file's facts, by subject. Putting them together is the module of linting's."""
