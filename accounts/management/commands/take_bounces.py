"""`manage.py take_bounces`: read what came back, from standard input (an alias of the mail server) or from files."""

import logging
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from accounts.bounces import take

log = logging.getLogger(__name__)


class Command(BaseCommand):
    """Runs as lern_worker. In /etc/aliases: bounces: "|cd /srv/lernbegleitung && manage.py take_bounces"."""

    help = "Take undeliverable notices and complaints: addresses that take no mail are paused."

    def add_arguments(self, parser: CommandParser) -> None:
        """Files, or folders of one message each (a Maildir's new/)."""
        parser.add_argument("paths", nargs="*", type=Path, help="files or folders; without any: standard input")
        parser.add_argument("--remove", action="store_true", help="delete each file once it is taken")

    def handle(self, *args: Any, **options: Any) -> None:
        """One line for each message: what was done."""
        if not options["paths"]:
            self.stdout.write(take(sys.stdin.buffer.read()))
            return
        for path in options["paths"]:
            for file in sorted(path.iterdir()) if path.is_dir() else [path]:
                try:
                    done = take(file.read_bytes())
                except Exception as trouble:  # one message from anywhere keeps no other waiting
                    log.error("a message that came back cannot be read (%s)", type(trouble).__name__)
                    done = type(trouble).__name__
                self.stdout.write(f"{file.name}: {done}")
                if options["remove"]:
                    file.unlink()
