"""Many runs: sweeps and experiments are cells, and each cell is a process of the command line."""
