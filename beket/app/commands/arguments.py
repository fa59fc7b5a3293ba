"""Owns the arguments that several subcommands share."""

import argparse
from pathlib import Path

from beket.kernel.text import Language, say


def add_config(parser: argparse.ArgumentParser, language: Language, *, default: str) -> None:
    """`--config FILE`, with the packaged place as default."""
    parser.add_argument(
        "--config",
        type=Path,
        default=Path(default),
        metavar="FILE",
        help=say("файл налаштувань (звичайно {path})", "configuration file (default {path})", path=default).to(
            language
        ),
    )
