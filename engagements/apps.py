"""The work together: concerns, matching, agreement, steps, insights and their reminders."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class EngagementsConfig(AppConfig):
    """Knows accounts; knows nothing of conversations."""

    name = "engagements"
    verbose_name = _("Lernbegleitungen")

    def ready(self) -> None:
        """Connect the answers to what happens to people."""
        from . import mails, push, receivers, step_mails, transfer_mails  # noqa: F401
