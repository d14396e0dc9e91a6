"""`manage.py load_demo`: agencies, people and engagements in every state, into an empty database."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from accounts.models import User
from demo.loading import load


class Command(BaseCommand):
    """Refuses to touch a database that has people in it, and to run outside the demo."""

    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        """Load, or say why not."""
        if not settings.DEMO:
            raise CommandError("Set LERNBEGLEITUNG_DEMO=1: the demo has logins that everybody knows.")
        if User.objects.exists():
            raise CommandError("There are people in this database already.")
        load(lambda line: self.stdout.write(f"  {line}"))
