"""What the work together answers when something happens to a person."""

from typing import Any

from django.dispatch import receiver

from accounts.models import User
from accounts.roles import Role
from accounts.signals import joined

from .companions import CompanionLoad, CompanionProfile


@receiver(joined)
def lay_profile(sender: type[User], user: User, role: str, **kwargs: Any) -> None:
    """A new companion gets a profile (in training until the qualification is entered) and three places."""
    if role != Role.COMPANION:
        return
    if not CompanionProfile.objects.filter(pk=user.pk).exists():
        CompanionProfile.objects.create(
            user=user, in_training=True, formats=["on_site", "video", "phone"], languages=["de"]
        )
        # no RETURNING of a row that its maker may not see
        CompanionLoad.objects.bulk_create([CompanionLoad(companion=user)], ignore_conflicts=True)
