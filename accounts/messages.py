"""How a mail looks: plain text first, then the same as HTML that a screen reader and a dark window read well.

Nothing in it is fetched from anywhere, nothing tells that it was opened (R10).
"""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from dataclasses import dataclass
from email.utils import formatdate, parseaddr
from functools import cache, lru_cache
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from django.conf import settings
from django.core import signing
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils import timezone, translation

from .due import DueMail, message_id
from .outbox import Decision, Kind

PLAIN = re.compile(r"[\w:/.~@+%-]*", re.ASCII)  # what stands as it is in a header, a text and HTML
STOP = "stop-reminders"  # what a link of one click is signed for
FIXED = {"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All", "Feedback-ID": "lernbegleitung"}


@dataclass(frozen=True)
class Paragraph:
    """A paragraph of the HTML part; with an `url` its words are the link."""

    words: str
    url: str = ""


class ReadyMail(NamedTuple):
    """A mail as it goes to the relay: its envelope and its bytes."""

    sender: str
    to: str
    raw: bytes


def message(mail: DueMail, kind: Kind, decision: Decision) -> ReadyMail:
    """The mail as it goes out: in the recipient's language and time zone, the same Message-ID in every attempt.

    Thousands of reminders differ only in their addresses: a mail whose decision names its form is put together once for
    this form, with marks where the addresses stand, and filled in for each.
    """
    recipient = mail.recipient
    to = recipient.email if recipient else mail.address
    house = settings.BASE_URL
    real = Addresses(
        to=to,
        message_id=message_id(mail.pk),
        date=_date(int(time.time())),
        url=house + mail.facts.get("path", "/"),
        stop=one_click(recipient.pk) if kind.reminder and recipient else "",
        pages=tuple([house + page for page in decision.pages]),
    )
    sender = return_path(mail)
    if (
        decision.form is None
        or mail.attachment
        or not all(map(PLAIN.fullmatch, [to, real.url, real.stop, *real.pages]))
    ):
        return ReadyMail(sender, to, raw_bytes(compose(mail, kind, decision, real)))
    key = (kind.name, *_voice(mail), decision.form, bool(real.stop), house, settings.DEFAULT_FROM_EMAIL)
    form = _forms.get(key)
    if not form:
        if len(_forms) > MANY_FORMS:
            _forms.clear()
        marks = _marks(real)
        form = _forms[key] = Form(raw_bytes(compose(mail, kind, decision, marks)).decode(), marks)
    return ReadyMail(sender, to, form.filled(real))


@lru_cache(maxsize=1)
def _date(second: int) -> str:
    return formatdate(second)


def raw_bytes(email: EmailMultiAlternatives) -> bytes:
    """As it goes over the line."""
    made: Any = email.message()
    return made.as_bytes(linesep="\r\n")


class Form:
    """A mail with gaps where its addresses stand."""

    def __init__(self, raw: str, marks: Addresses) -> None:
        names = marks.flat()
        pieces = re.split(f"({'|'.join(map(re.escape, filter(None, names)))})", raw)
        self.text = "%s".join(piece.replace("%", "%%") for piece in pieces[::2])
        self.gaps = [names.index(mark) for mark in pieces[1::2]]

    def filled(self, real: Addresses) -> bytes:
        """The mail with these addresses."""
        values = real.flat()
        return (self.text % tuple([values[gap] for gap in self.gaps])).encode()


MANY_FORMS = 500
_forms: dict[tuple[Any, ...], Form] = {}


class Addresses(NamedTuple):
    """Whatever makes a mail different from others of its form."""

    to: str
    message_id: str
    date: str
    url: str
    stop: str
    pages: tuple[str, ...]

    def flat(self) -> list[str]:
        """All of them, in order."""
        return [self.to, self.message_id, self.date, self.url, self.stop, *self.pages]


def _marks(real: Addresses) -> Addresses:
    """Marks of the same sorts, which occur in no text."""
    pages = tuple(f"https://mark-page-{number}.invalid/" for number in range(len(real.pages)))
    stop = "https://mark-stop.invalid/" if real.stop else ""
    return Addresses(
        "mark-to@mark.invalid", "<mark-id@mark.invalid>", "mark-date.invalid", "https://mark-url.invalid/", stop, pages
    )


def _voice(mail: DueMail) -> tuple[str, str]:
    """The recipient's language and time zone."""
    recipient = mail.recipient
    return (recipient.language, recipient.time_zone) if recipient else (mail.language, settings.TIME_ZONE)


def compose(mail: DueMail, kind: Kind, decision: Decision, addresses: Addresses) -> EmailMultiAlternatives:
    """The mail with all its parts, in the recipient's language and time zone."""
    language, zone = _voice(mail)
    with translation.override(language), timezone.override(zone):
        context = {
            "recipient": mail.recipient if decision.form is None else None,  # a mail that many share names nobody
            "url": addresses.url,
            "facts": mail.facts if decision.form is None else {},
            "settings_url": f"{settings.BASE_URL}/erinnerungen/",
            "stop_url": addresses.stop,
            "base_url": settings.BASE_URL,
            "pages": addresses.pages,
            **decision.context,
        }
        subject, _sep, body = render_to_string(f"mail/{kind.template}.txt", context).strip().partition("\n")
        subject, body = subject.strip(), tidy(body)
        html = page(subject, body, language)
    headers = {
        "Message-ID": addresses.message_id, "From": settings.DEFAULT_FROM_EMAIL, "Date": addresses.date, **FIXED,
    }  # fmt: skip
    if addresses.stop:  # RFC 2369 and RFC 8058: the mail program's own button, one click and no login
        headers |= {"List-Unsubscribe": f"<{addresses.stop}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    email = EmailMultiAlternatives(subject, body, "", [addresses.to], headers=headers)
    email.attach_alternative(html, "text/html")
    if mail.attachment:  # as the mail's third face for programs that take it up by themselves, and as a file (RFC 6047)
        method = "CANCEL" if "\r\nMETHOD:CANCEL\r\n" in mail.attachment else "REQUEST"
        email.attach_alternative(mail.attachment, f"text/calendar; method={method}")
        email.attach("termin.ics", mail.attachment, "application/ics")
    return email


def tidy(body: str) -> str:
    """No more than one empty line in a row, one line break at the end."""
    return re.sub(r"\n[ \t]*(\n[ \t]*)+", "\n\n", body).strip() + "\n"


def page(subject: str, body: str, language: str) -> str:
    """The HTML part, made of the text: a sentence followed by its address is a link with the sentence's words."""
    paragraphs = [paragraph for block in body.strip().split("\n\n") for paragraph in _paragraphs(block)]
    context = {"subject": subject, "paragraphs": paragraphs, "language": language}
    return render_to_string("mail/frame.html", context)


def _paragraphs(block: str) -> list[Paragraph]:
    found: list[Paragraph] = []
    for line in filter(None, (line.strip() for line in block.split("\n"))):
        if not line.startswith(("https://", "http://")):
            found.append(Paragraph(line.removeprefix("– ")))
        elif found and not found[-1].url:
            found[-1] = Paragraph(found[-1].words.rstrip(":"), line)
        else:
            found.append(Paragraph(line, line))
    return found


# ── where a mail comes back to ─────────────────────────────────────────────


def return_path(mail: DueMail) -> str:
    """The envelope's sender: with BOUNCE_ADDRESS one of its own for each mail, so that what comes back is recognised."""
    if not settings.BOUNCE_ADDRESS:
        return _plain_address(settings.DEFAULT_FROM_EMAIL)
    local, _at, domain = settings.BOUNCE_ADDRESS.rpartition("@")
    return f"{local}+{mail.pk.hex}-{_seal(mail.pk.hex)}@{domain}"


@cache
def _plain_address(sender: str) -> str:
    return parseaddr(sender)[1]


def mail_id_of(address: str) -> str | None:
    """The id of the mail that this address was the sender of; None for any other, and for a forged one."""
    found = re.search(r"\+([0-9a-f]{32})-([0-9a-f]{16})@", address)
    return found[1] if found and hmac.compare_digest(found[2], _seal(found[1])) else None


def _seal(text: str) -> str:
    return hmac.new(_bounce_key(), text.encode(), hashlib.sha256).hexdigest()[:16]


@cache
def _bounce_key() -> bytes:
    return hashlib.sha256(b"bounce:" + settings.SECRET_KEY.encode()).digest()


# ── one click and no more reminders ────────────────────────────────────────


def one_click(person: int) -> str:
    """The address that stops all reminders of a person: signed, for nothing else."""
    return f"{settings.BASE_URL}/erinnerungen/aus/{_stopper().sign(str(person))}/"


def person_of(token: str) -> int | None:
    """Whose reminders a signed address stops; None when it is not ours."""
    try:
        return int(_stopper().unsign(token))
    except (signing.BadSignature, ValueError):
        return None


@cache
def _stopper() -> signing.Signer:
    return signing.Signer(salt=STOP)


def our_domain() -> str:
    """The domain that our Message-IDs end with."""
    return urlsplit("//" + parseaddr(settings.DEFAULT_FROM_EMAIL)[1]).hostname or "localhost"
