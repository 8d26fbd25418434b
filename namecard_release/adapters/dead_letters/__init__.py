"""Dead letters outside of this process: the queue, the bodies in it, the archive, and the ways back."""
