"""Measurements of the whole pipeline on a sandbox of their own; nothing of the product imports them."""
