#!/usr/bin/env python
"""Django's command line. Each command runs as the weakest database role that can do it; most as the web's."""

import os
import sys

ROLES = {
    "lern_owner": ("migrate", "makemigrations", "showmigrations", "sqlmigrate", "createcachetable", "load_demo",
                   "load_questions", "create_administrator", "flush", "restore"),
    "lern_keys": ("rotate_keys",),
    "lern_backup": ("backup",),
}  # fmt: skip
# Where a server keeps the addresses of these roles; without them DATABASE_URL is taken as it is.
ADDRESSES = {
    "lern_owner": "DATABASE_OWNER_URL",
    "lern_keys": "DATABASE_KEYS_URL",
    "lern_backup": "DATABASE_BACKUP_URL",
}


def main() -> None:
    """Choose the database role, then run the command."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "lernbegleitung.settings")
    for role, commands in ROLES.items():
        if len(sys.argv) > 1 and sys.argv[1] in commands:
            os.environ.setdefault("LERNBEGLEITUNG_DB_ROLE", role)
            if address := os.environ.get(ADDRESSES[role]):
                os.environ["DATABASE_URL"] = address
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
