"""The command line, for tests that need a finished run."""

from tests.cli.conftest import expert_path, run

__all__ = ["expert_path", "run"]
