"""`manage.py generate --scale BA`: as many people as the Bundesagentur has, or a part of them, into an empty database."""

import time
from argparse import ArgumentParser
from fractions import Fraction
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from accounts.models import User
from demo.generating import generate


class Command(BaseCommand):
    """Refuses to touch a database that has people in it, and to run outside the demo."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        """How much, and which."""
        parser.add_argument("--scale", default="BA", help="BA for the whole, or a part of it: 1/10, 1/100")
        parser.add_argument("--seed", type=int, default=1, help="the same seed on the same day gives the same data")

    def handle(self, *args: Any, **options: Any) -> None:
        """Fill, with a line for every step, and say what it became."""
        if not settings.DEMO:
            raise CommandError("Set LERNBEGLEITUNG_DEMO=1: the people made here have a password that everybody knows.")
        if User.objects.exists():
            raise CommandError("There are people in this database already.")
        try:
            part = Fraction(1) if options["scale"] == "BA" else Fraction(options["scale"])
        except (ValueError, ZeroDivisionError):
            part = Fraction(0)
        if not 0 < part <= 1:
            raise CommandError("--scale is BA or a part of it, for example 1/10.")
        begun = time.monotonic()
        counts = generate(part, options["seed"], lambda line: self.stdout.write(f"  {line}"))
        for table, number in sorted(counts.items(), key=lambda entry: -entry[1]):
            self.stdout.write(f"  {number:>10,}  {table}")
        self.stdout.write(f"  {time.monotonic() - begun:.0f} seconds. Log in as lernen0, begleitung0 or koordination0"
                          "@example.org.")  # fmt: skip
