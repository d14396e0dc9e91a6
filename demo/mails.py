"""The mails that the catcher took, to be read in the browser. Exists only in the demo."""

from __future__ import annotations

import email
import email.policy
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.html import urlize
from django.views.decorators.http import require_safe

from accounts.access import public
from lernbegleitung import embedded

PAGE = 50


@dataclass(frozen=True)
class CaughtMail:
    """One caught message, as a person reads it."""

    name: str
    caught_at: datetime
    to: str
    subject: str
    text: str
    attachments: list[str]


def folder() -> Path:
    """Where the catcher lays what it takes."""
    return Path(os.environ.get("MAIL_DIR") or embedded.var_dir() / "mail")


def read(file: Path) -> CaughtMail:
    """Parse one file."""
    message = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    body = message.get_body(("plain", "html"))
    caught = datetime.fromtimestamp(int(file.stem.split("-")[0]) / 1e9, UTC)
    names = [part.get_filename() or part.get_content_type() for part in message.iter_attachments()]
    text = body.get_content() if body else ""
    return CaughtMail(file.stem, caught, str(message["To"] or ""), str(message["Subject"] or ""), text, names)


@public
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """The latest mails, the newest first; `an=` shows those to one address."""
    to = request.GET.get("an", "")[:254]
    files = sorted(folder().glob("*.eml"), reverse=True)[: PAGE * 4]
    mails = [mail for mail in map(read, files) if to.lower() in mail.to.lower()]
    return render(request, "demo/mails.html", {"mails": mails[:PAGE], "to": to})


@public
@require_safe
def detail(request: HttpRequest, name: str) -> HttpResponse:
    """One mail, its links made clickable."""
    file = folder() / f"{name}.eml"
    if not file.is_file():
        raise Http404
    mail = read(file)
    return render(request, "demo/mail.html", {"mail": mail, "text": urlize(mail.text, nofollow=False, autoescape=True)})
