"""Development and demonstration only: the data a person believes, and the mails that were caught."""

from django.apps import AppConfig


class DemoConfig(AppConfig):
    """Installed only with LERNBEGLEITUNG_DEMO=1 and in tests."""

    name = "demo"
