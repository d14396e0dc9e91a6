"""Where a lower app must be answered by a higher one."""

from django.dispatch import Signal

# People have got a role: `people` (ids), `role`. The engagements answer by laying a companion's profile and places.
joined = Signal()
