#!/usr/bin/env python
"""Django's command line. Commands that change tables or lay data run as the owner; everything else as the web role."""

import os
import sys

OWNER_COMMANDS = {
    "migrate", "makemigrations", "showmigrations", "sqlmigrate", "createcachetable", "load_demo", "load_questions",
    "create_administrator", "flush",
}  # fmt: skip


def main() -> None:
    """Choose the database role, then run the command."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "lernbegleitung.settings")
    if len(sys.argv) > 1 and sys.argv[1] in OWNER_COMMANDS:
        os.environ.setdefault("LERNBEGLEITUNG_DB_ROLE", "lern_owner")
        if owner_url := os.environ.get("DATABASE_OWNER_URL"):
            os.environ["DATABASE_URL"] = owner_url
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
