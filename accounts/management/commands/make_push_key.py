"""`manage.py make_push_key`: a new key for notices in the browser, to be put into PUSH_KEY (or PUSH_KEY_FILE)."""

from typing import Any

from django.core.management.base import BaseCommand

from accounts.push_crypto import new_key


class Command(BaseCommand):
    """Prints the key and nothing else. With another key, people switch their devices on once more."""

    help = __doc__
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Make it; it is stored nowhere."""
        self.stdout.write(new_key())
