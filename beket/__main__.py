"""Lets `python -m beket` do what the `beket` command does."""

import sys

from beket.app.cli import main

sys.exit(main())
