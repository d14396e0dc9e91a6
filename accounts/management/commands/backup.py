"""`manage.py backup FOLDER`: texts and keys in two files (see lernbegleitung/backups.py)."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from lernbegleitung import backups


class Command(BaseCommand):
    """Runs as lern_backup."""

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        """Where to."""
        parser.add_argument("folder", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        """Make both halves and say where they are."""
        try:
            texts, keys = backups.make(options["folder"])
        except backups.BackupFailed as reason:
            raise CommandError(str(reason)) from reason
        for file, what in ((texts, "texts, may be kept long"), (keys, "keys, kept fourteen days")):
            self.stdout.write(f"{file}  {file.stat().st_size // 1024} KiB  ({what})")
