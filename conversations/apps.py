"""The talks: appointments, preparation, the four-part guide with its questions, documentation."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ConversationsConfig(AppConfig):
    """Knows accounts and engagements."""

    name = "conversations"
    verbose_name = _("Lerngespräche")

    def ready(self) -> None:
        """Make the mails known, and connect the answers to what happens to engagements."""
        from engagements.journal import talks_to_write_about

        from . import calendar_replies, mails, quiet, receivers, talk_reminders  # noqa: F401
        from .overview import latest_talks

        talks_to_write_about[:] = [latest_talks]
