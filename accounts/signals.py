"""Where a lower app must be answered by a higher one."""

from django.dispatch import Signal

# A person has got a role: `user`, `role`. The engagements answer by laying a companion's profile and places.
joined = Signal()
