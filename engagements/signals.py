"""Where the work together must be answered by the talks."""

from django.dispatch import Signal

# The two part without the row being saved here (a SQL function does it): `engagement`, `by`. The talks answer by
# cancelling what was to come, while both can still be told.
parting = Signal()
