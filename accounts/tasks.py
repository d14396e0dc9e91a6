"""What the timetable rings: every task may run twice, late or not at all without harm."""

from celery import shared_task

from .delivery import deliver_due as deliver


@shared_task(name="accounts.tasks.deliver_due")
def deliver_due() -> dict[str, int]:
    """Send the mail that is due."""
    return deliver()
