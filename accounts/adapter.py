"""How allauth behaves here: nobody signs up, people are invited."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class InvitationOnlyAdapter(DefaultAccountAdapter):
    """The door of the account app is closed for signing up."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Never: the way in is an invitation."""
        return False

    def add_message(
        self, request: HttpRequest, level: Any, message_template: str | None = None, *args: Any, **kwargs: Any
    ) -> None:
        """Say what needs saying; that somebody is signed in or out, the page shows anyway."""
        if message_template and "logged_" not in message_template:
            super().add_message(request, level, message_template, *args, **kwargs)
