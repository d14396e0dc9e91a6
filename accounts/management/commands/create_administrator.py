"""`manage.py create_administrator EMAIL --name NAME`: the first person who can invite others."""

import getpass
import sys
from typing import Any

from allauth.account.models import EmailAddress
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_email
from django.db import transaction

from accounts.people import Agency, RoleGrant, User
from accounts.roles import Role


class Command(BaseCommand):
    """Runs as the owner of the tables, on the server; asks for the password, or reads it from standard input."""

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        """The address, and what else the account needs."""
        parser.add_argument("email")
        parser.add_argument("--name", default="Administration")
        parser.add_argument("--agency", default="Zentrale", help="name of the root agency, made if there is none")
        parser.add_argument("--state", default="BY", help="its Bundesland, two letters")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make the account with its role, or say what is wrong."""
        email = options["email"].lower()
        try:
            validate_email(email)
        except ValidationError as error:
            raise CommandError(f"{email}: not an e-mail address") from error
        if User.objects.filter(email=email).exists():
            raise CommandError(f"{email} already has an account")
        password = getpass.getpass("Password: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
        user = User(email=email, name=options["name"])
        try:
            validate_password(password, user)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        with transaction.atomic():
            root = Agency.objects.filter(parent=None).first() or Agency.objects.create(
                code="zentrale", name=options["agency"], kind=Agency.Kind.CENTRE, state=options["state"]
            )
            user.agency = root
            user.set_password(password)
            user.save()
            EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
            RoleGrant.objects.create(user=user, role=Role.ADMINISTRATOR, agency=root)
        self.stdout.write(f"{email} can sign in and invite others.")
