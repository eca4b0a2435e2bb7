"""When things happen in a run: each callback says when, on which rank, what is logged and what is saved."""
