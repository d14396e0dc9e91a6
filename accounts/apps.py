"""Who: people, agencies, roles in time, invitations, keys, audit, outgoing mail."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    """The lowest app: it knows nothing of engagements."""

    name = "accounts"
    verbose_name = _("Personen und Dienststellen")

    def ready(self) -> None:
        """Whatever is opened is written into the access log."""
        from lernbegleitung import rls

        from . import receivers  # noqa: F401
        from .openings import write_down

        rls.opening_logs[:] = [write_down]
