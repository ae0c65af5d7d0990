"""What `make` runs: set-up, the launcher of `make run`, the tests, the installation. None of it is part of the package."""
