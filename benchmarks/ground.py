"""Run as the owner in the house: `fifty` gives Greta fifty released journal entries, `plain` opens every sealed text."""

from __future__ import annotations

import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "lernbegleitung.settings")
django.setup()

from accounts.models import User  # noqa: E402
from engagements.models import Engagement, JournalEntry  # noqa: E402
from lernbegleitung import checks, clock, rls  # noqa: E402
from lernbegleitung.audience import audience_of  # noqa: E402
from lernbegleitung.vault import sealed_columns  # noqa: E402

TEXT = "Heute habe ich gewartet, bis die anderen ausgesprochen hatten, und dann meinen Satz gesagt. " * 4


def fifty() -> None:
    greta = User.objects.get(email="greta@example.org")
    engagement = Engagement.objects.get(learner=greta, state="active")
    with rls.acting_as(greta.pk):
        for number in range(50):
            entry = JournalEntry(engagement=engagement, shared_at=clock.now())
            entry.text = f"{number}: {TEXT}"
            entry.save()
    print(engagement.companion.email.partition("@")[0])


def plain() -> None:
    rls.opening_logs.clear()
    for model in checks.own_models():
        for row in model._base_manager.all() if sealed_columns(model) else ():
            with rls.acting_as(audience_of(row).owner(row)):
                texts = {f"{name}_sealed": getattr(row, name).encode() for name in sealed_columns(model)}
                model._base_manager.filter(pk=row.pk).update(**texts)


{"fifty": fifty, "plain": plain}[sys.argv[1]]()
