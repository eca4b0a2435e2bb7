"""The command line: ``training`` is Lightning's, each other verb has a file of its own."""
