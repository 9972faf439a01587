"""`python -m optout`: the same as the `optout` command."""

from optout.cli.main import run

if __name__ == "__main__":
    run()
