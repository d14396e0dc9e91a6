"""What the work together answers when something happens to a person."""

from typing import Any

from django.dispatch import receiver

from accounts.models import User
from accounts.roles import Role
from accounts.signals import joined

from .companions import CompanionLoad, CompanionProfile


@receiver(joined)
def lay_profiles(sender: type[User], people: list[int], role: str, **kwargs: Any) -> None:
    """A new companion gets a profile (in training until the qualification is entered) and three places."""
    if role != Role.COMPANION:
        return
    formats, languages = ["on_site", "video", "phone"], ["de"]
    profiles = [CompanionProfile(user_id=pk, in_training=True, formats=formats, languages=languages) for pk in people]
    # no RETURNING of a row that its maker may not see
    CompanionProfile.objects.bulk_create(profiles, ignore_conflicts=True)
    CompanionLoad.objects.bulk_create([CompanionLoad(companion_id=pk) for pk in people], ignore_conflicts=True)
