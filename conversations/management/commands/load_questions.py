"""`manage.py load_questions`: adds the questions of this version to the bank."""

from typing import Any

from django.core.management.base import BaseCommand

from conversations.guide import GuidingQuestion
from conversations.questions import load


class Command(BaseCommand):
    """Run it as often as you like: only new questions are added."""

    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        """Add, and say how many."""
        self.stdout.write(f"{load(GuidingQuestion)} new questions")
