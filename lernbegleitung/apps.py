"""Start-up of the project: policies follow every migration, checks are registered."""

from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate
from django.utils.module_loading import autodiscover_modules


def policies_after_migrate(sender: AppConfig, **kwargs: object) -> None:
    """Policies belong to the tables as they are now, so they are written anew once all tables are there."""
    from django.db import connection

    from .rls import apply_policies

    with connection.cursor() as cursor:
        tables = set(connection.introspection.table_names(cursor))
    if {model._meta.db_table for model in apps.get_models(include_auto_created=True)} <= tables:
        apply_policies(sender)


class ProjectConfig(AppConfig):
    """Not an app with tables: the hook for what concerns all of them."""

    name = "lernbegleitung"

    def ready(self) -> None:
        """Connect policies, checks and every app's retention rules and occasions for mail."""
        from . import checks, lookups, moments  # noqa: F401

        post_migrate.connect(policies_after_migrate)
        autodiscover_modules("privacy", "mails", "access", "audiences")
