"""The same agent written with other libraries, each a process that prints its frames per second."""
