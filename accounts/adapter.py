"""How allauth behaves here: nobody signs up, people are invited."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class InvitationOnlyAdapter(DefaultAccountAdapter):
    """The door of the account app is closed for signing up."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Never: the way in is an invitation."""
        return False

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """allauth's own mails go at once; they concern the account, not the work together."""
        super().send_mail(template_prefix, email, context)
