"""`manage.py restore --texts FILE --keys FILE`: fill an empty database from a backup's two files."""

from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from lernbegleitung import backups


class Command(BaseCommand):
    """Runs as the owner. Take the newest keys: what was deleted since the texts were saved then stays unreadable."""

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        """The two files."""
        parser.add_argument("--texts", type=Path, required=True)
        parser.add_argument("--keys", type=Path, required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        """Restore, then bring tables and policies up to date."""
        try:
            backups.restore(options["texts"], options["keys"])
        except backups.BackupFailed as reason:
            raise CommandError(str(reason)) from reason
        call_command("migrate", verbosity=0)
        self.stdout.write("Restored. Everybody has to sign in again.")
