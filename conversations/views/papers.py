"""A talk on paper: the record, and the guide to write on; in the language that is asked for."""

from __future__ import annotations

import uuid

from django.http import HttpResponse
from django.utils import translation
from django.views.decorators.http import require_safe

from accounts.access import SignedRequest, signed_in
from accounts.models import User
from conversations.access import conversation_or_404, in_own_time
from conversations.papers import guide_paper, protocol_paper
from lernbegleitung import pdf


def asked_language(request: SignedRequest) -> str:
    """`?sprache=en`, or the reader's own."""
    asked = request.GET.get("sprache", "")
    return asked if asked in User.Language.values else translation.get_language() or "de"


@signed_in
@require_safe
@in_own_time
def protocol(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """The record as a tagged PDF, for either of the two."""
    conversation = conversation_or_404(request.user, pk)
    with translation.override(asked_language(request)):
        body = pdf.render(protocol_paper(conversation))
    return paper(body, f"protokoll-{conversation.appointment.starts_at:%Y-%m-%d}.pdf")


@signed_in
@require_safe
@in_own_time
def guide(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """One page for talks without a screen."""
    conversation = conversation_or_404(request.user, pk)
    with translation.override(asked_language(request)):
        body = pdf.render(guide_paper(conversation, request.user))
    return paper(body, f"leitfaden-{conversation.appointment.starts_at:%Y-%m-%d}.pdf")


def paper(body: bytes, name: str) -> HttpResponse:
    """A PDF to open beside the page; its name says the day and nothing else."""
    return HttpResponse(
        body, content_type="application/pdf", headers={"Content-Disposition": f'inline; filename="{name}"'}
    )
