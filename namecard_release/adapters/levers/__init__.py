"""Settings of a running environment, read and changed: one module for each kind of thing that has them."""
