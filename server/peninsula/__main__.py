"""Run the command line as ``python -m peninsula``."""

import sys

from peninsula.cli import main

if __name__ == "__main__":
    sys.exit(main())
