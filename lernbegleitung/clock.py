"""What time it is: the one place that knows, so that tests and demonstrations can live on another day."""

from datetime import date, datetime, timedelta

from django.conf import settings
from django.utils import timezone


def now() -> datetime:
    """Now, aware, in UTC."""
    return timezone.now() + timedelta(seconds=settings.CLOCK_OFFSET)


def today() -> date:
    """Today's date in Germany."""
    return timezone.localtime(now()).date()


def day_of(moment: datetime | None) -> date:
    """The day of a moment in Germany; today for none."""
    return timezone.localtime(moment or now()).date()
