"""`python -I -m ctl`: hostelctl."""

from ctl.cli import hostelctl


def main() -> None:
    """Run hostelctl."""
    hostelctl(prog_name="hostelctl")


if __name__ == "__main__":
    main()
