"""What a notice in the browser says: the subject of the day's mail and where it leads, and nothing that the mail does not say.

Its row is written when the digest has gone (`digests_sent`, in the same transaction), one for each device with the key
`push:<device>:<day>`, and is decided about when it is sent: the same day, the same hours, not stopped, still open.
"""

from __future__ import annotations

import uuid
from datetime import date, datetime, time, timedelta

from django.utils import translation
from django.utils.translation import gettext as _

from accounts import outbox
from accounts.due import DueMail, Recipient
from accounts.models import User
from accounts.outbox import DROP, Decision
from lernbegleitung import clock

from .digest import SORTS, rhythms, words_of
from .reminders import CLOSES, STEP_AGAIN, STEP_DUE, Digest, Rhythm, Wish
from .states import State
from .steps import LearningStep

TRIAL = timedelta(minutes=10)  # for as long a trial notice is worth showing


def prepare(mails: list[DueMail]) -> None:
    """Ask once which of all these steps are still open and to be reminded of, and for the free days."""
    rhythm = rhythms()
    told = {subject for mail in mails for what, subject, _day in mail.facts["told"] if what in (STEP_DUE, STEP_AGAIN)}
    rows = LearningStep.objects.filter(pk__in=told, engagement__state=State.ACTIVE, remind=True).open()
    still = {(str(pk), f"{due_on}") for pk, due_on in rows.values_list("pk", "due_on")}
    for mail in mails:
        mail.rhythm = rhythm(mail.recipient) if mail.recipient else None  # type: ignore[attr-defined]
        mail.wanted = [  # type: ignore[attr-defined]
            (what, subject, day)
            for what, subject, day in mail.facts["told"]
            if what in SORTS and (what not in (STEP_DUE, STEP_AGAIN) or (subject, day) in still)
        ]


def decide(mail: DueMail) -> Decision:
    """Show what is still wanted today; on another day, outside the hours or when all is answered: nothing."""
    recipient, now = mail.recipient, clock.now()
    if not recipient or not recipient.is_active or recipient.reminders_stopped_at:
        return DROP
    if mail.facts.get("trial"):
        fresh = now - mail.created_at < TRIAL
        return Decision(context={"says": _trial(recipient), "until": now + TRIAL}) if fresh else DROP
    rhythm: Rhythm = mail.rhythm  # type: ignore[attr-defined]
    today = now.astimezone(rhythm.zone).date()
    if mail.facts["day"] != today.isoformat() or not rhythm.may_send(now) or not mail.wanted:  # type: ignore[attr-defined]
        return DROP
    wishes = tuple(_wish(*told) for told in mail.wanted)  # type: ignore[attr-defined]
    until = datetime.combine(today, time(CLOSES), rhythm.zone)
    return Decision(context={"says": _says(mail, recipient, Digest(today, now, wishes)), "until": until})


def _wish(what: str, subject: str, day: str) -> Wish:
    meant_for = date.fromisoformat(day)
    return Wish(what, uuid.UUID(subject), meant_for, meant_for, meant_for)


def _says(mail: DueMail, recipient: Recipient, digest: Digest) -> dict[str, str]:
    words = words_of(mail, digest)
    pages = words.pages()
    with translation.override(recipient.language):
        body = _("Was es ist, sehen Sie nach der Anmeldung.")
        return {"title": words.subject(), "body": body, "path": pages[0] if len(pages) == 1 else "/heute/"}


def _trial(recipient: Recipient) -> dict[str, str]:
    with translation.override(recipient.language):
        title = _("So sehen Ihre Erinnerungen hier aus")
        return {"title": title, "body": _("Mehr steht nie darin."), "path": "/erinnerungen/"}


PUSH = outbox.kind("push", decide=decide, prepare=prepare, reminder=True)


def try_out(device: uuid.UUID, *, to: User) -> None:
    """A first notice, so that the person sees what it looks like; once for each device and minute."""
    facts = {"day": f"{clock.today()}", "told": [], "trial": True}
    outbox.post(f"push:{device}:trial:{clock.now():%Y%m%d%H%M}", kind=PUSH, to=to, about=device, facts=facts)
