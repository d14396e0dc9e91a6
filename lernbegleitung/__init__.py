"""The project: settings, addresses, the walls in the database and the keys. It knows no app and has no tables."""

from .celery import app as celery_app

__all__ = ["celery_app"]
