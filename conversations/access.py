"""Who may open a talk: the two who hold it. Strangers and coordinators get 404."""

from __future__ import annotations

import uuid

from django.shortcuts import get_object_or_404

from accounts.models import User

from .appointments import Appointment
from .conversation import Conversation

PAIR = ("engagement__learner__agency", "engagement__companion__agency", "learner", "companion")


def appointment_or_404(user: User, pk: uuid.UUID) -> Appointment:
    """The appointment with its talk, for one of the two."""
    mine = Appointment.objects.of_pair_member(user).select_related(*PAIR, "conversation")
    return get_object_or_404(mine, pk=pk)


def conversation_or_404(user: User, pk: uuid.UUID) -> Conversation:
    """The talk with its appointment, for one of the two."""
    mine = Conversation.objects.of_pair_member(user).select_related(
        "appointment__learner", "appointment__companion", "engagement__learner", "engagement__companion"
    )
    return get_object_or_404(mine, pk=pk)
