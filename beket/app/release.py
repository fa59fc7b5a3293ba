"""Owns the one place that knows which release this is."""

import importlib.metadata

VERSION = importlib.metadata.version("beket")
