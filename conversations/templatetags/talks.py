"""What pages of the lower apps show of the talks; templates may look up, Python may not."""

from django import template

from conversations.appointments import Appointment, Kind
from engagements.engagement import Engagement

register = template.Library()


@register.simple_tag
def closing_talk(engagement: Engagement) -> Appointment | None:
    """The closing talk of a companionship, held or to come; None when there is none."""
    return Appointment.objects.standing().filter(engagement=engagement, kind=Kind.CLOSING).order_by("starts_at").last()
