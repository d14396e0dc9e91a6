"""What pages of the lower apps show of the talks; templates may look up, Python may not."""

from datetime import time

from django import template
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext

from conversations.appointments import Appointment, Kind
from engagements.engagement import Engagement

register = template.Library()


@register.simple_tag
def closing_talk(engagement: Engagement) -> Appointment | None:
    """The closing talk of a companionship, held or to come; None when there is none."""
    return Appointment.objects.standing().filter(engagement=engagement, kind=Kind.CLOSING).order_by("starts_at").last()


@register.simple_tag
def weekday(number: int) -> str:
    """The name of a day of the week; 0 is Monday."""
    return str(WEEKDAYS[number])


@register.simple_tag
def hours(starts: time, ends: time) -> str:
    """From one time of day to another: "9:00 bis 12:00 Uhr"."""
    return gettext("%(from)s bis %(to)s Uhr") % {"from": f"{starts:%H:%M}", "to": f"{ends:%H:%M}"}
