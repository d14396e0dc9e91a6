"""What comes back: notices as real mail servers write them, complaints, and everything that is neither."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import call_command

from accounts import bounces
from accounts.due import message_id
from accounts.messages import return_path
from accounts.models import OutgoingMail, PausedAddress

from .conftest import as_owner
from .test_delivery import TUESDAY, as_worker, at

__all__ = ["at"]  # a fixture
pytestmark = pytest.mark.django_db

POSTFIX = """Return-Path: <>
From: MAILER-DAEMON@mx.example.org (Mail Delivery System)
To: {to}
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="B"

--B
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

This is the mail system at host mx.example.org.

--B
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.org
X-Postfix-Queue-ID: 4Z1
Arrival-Date: Tue, 1 Dec 2026 09:00:00 +0100 (CET)

Final-Recipient: rfc822; anna@example.org
Original-Recipient: rfc822;anna@example.org
Action: {action}
Status: {status}
Remote-MTA: dns; mail.example.org
Diagnostic-Code: smtp; 550 {status} <anna@example.org>: Recipient address rejected

--B
Content-Description: Undelivered Message Headers
Content-Type: {returned}

Message-ID: {message_id}
Subject: Ihr Lernschritt
To: anna@example.org

--B--
"""
COMPLAINT = """From: <abuse@provider.example>
To: {to}
Subject: FW: Ihr Lernschritt
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="B"

--B
Content-Type: text/plain

This is an email abuse report.

--B
Content-Type: message/feedback-report

Feedback-Type: abuse
User-Agent: SomeGenerator/1.0
Version: 1

--B
Content-Type: message/rfc822

Message-ID: {message_id}
Subject: Ihr Lernschritt
To: anna@example.org

Guten Tag
--B--
"""


@pytest.fixture
def mail(world: SimpleNamespace, at: Callable[[datetime], None]) -> OutgoingMail:
    """One that was sent to Anna."""
    with as_owner():
        return OutgoingMail.objects.create(key="k", kind="digest", recipient=world.anna, sent_at=TUESDAY)


def paused() -> list[tuple[str, str, str]]:
    with as_owner():
        return list(PausedAddress.objects.values_list("pk", "reason", "status"))


def notice(mail: OutgoingMail, template: str = POSTFIX, **also: str) -> bytes:
    values = {
        "to": "lernbegleitung@example.org", "action": "failed", "status": "5.1.1", "message_id": message_id(mail.pk),
        "returned": "text/rfc822-headers", **also,
    }  # fmt: skip
    return template.format(**values).replace("\n", "\r\n").encode()


def take(raw: bytes) -> str:
    return as_worker(lambda: bounces.take(raw))


@pytest.mark.parametrize("returned", ["text/rfc822-headers", "message/rfc822"])
def test_an_address_that_does_not_exist_is_paused(mail: OutgoingMail, returned: str) -> None:
    assert take(notice(mail, returned=returned)) == "address paused"
    assert take(notice(mail, returned=returned)) == "address paused", "twice is once"
    assert paused() == [("anna@example.org", "bounced", "5.1.1")]


def test_the_senders_own_address_is_enough(mail: OutgoingMail, settings: Any) -> None:
    settings.BOUNCE_ADDRESS = "bounces@example.org"
    assert take(notice(mail, to=return_path(mail), message_id="<lost@elsewhere.example>")) == "address paused"


@pytest.mark.parametrize(
    ("action", "status", "answer"),
    [("delayed", "4.4.1", "ignored"), ("failed", "4.4.7", "ignored"), ("failed", "5.7.1", "failed"),
     ("failed", "5.2.2", "failed"), ("delivered", "2.0.0", "ignored"), ("relayed", "2.0.0", "ignored")],
)  # fmt: skip
def test_what_is_no_reason_to_pause_pauses_nobody(mail: OutgoingMail, action: str, status: str, answer: str) -> None:
    assert take(notice(mail, action=action, status=status)) == answer
    assert paused() == []
    with as_owner():
        assert OutgoingMail.objects.get().smtp_status == (status if answer == "failed" else "")


def test_a_complaint_pauses(mail: OutgoingMail) -> None:
    assert take(notice(mail, COMPLAINT)) == "complaint"
    assert paused() == [("anna@example.org", "complaint", "")]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x00\xff\xfe",
        b"Subject: Ich bin nicht da\r\nAuto-Submitted: auto-replied\r\n\r\nBis Montag.",
        b"Content-Type: multipart/report; report-type=delivery-status; boundary=B\r\n\r\n--B--\r\n",
        b"Content-Type: multipart/report; boundary=B\r\n\r\n--B\r\nContent-Type: message/delivery-status\r\n\r\nx\r\n--B--",
    ],
)
def test_everything_else_is_ignored(raw: bytes, mail: OutgoingMail) -> None:
    assert take(raw) == "ignored"
    assert paused() == []


@pytest.mark.parametrize(
    "message_id",
    [
        "<6f1c0f0a-7b1d-4c7e-9d55-0c8a5b0f1f5e@example.org>",
        "<nonsense@example.org>",
        "<00000000-0000-7000-8000-000000000000@elsewhere.example>",
    ],
)
def test_a_notice_about_no_mail_of_ours_pauses_nobody(mail: OutgoingMail, message_id: str) -> None:
    assert take(notice(mail, message_id=message_id)) == "ignored"


def test_a_forged_sender_pauses_nobody(mail: OutgoingMail, settings: Any) -> None:
    settings.BOUNCE_ADDRESS = "bounces@example.org"
    address = return_path(mail).replace(mail.pk.hex, uuid.uuid4().hex)
    assert take(notice(mail, to=address, message_id="<x@elsewhere.example>")) == "ignored"


def test_what_was_not_sent_cannot_come_back(mail: OutgoingMail) -> None:
    with as_owner():
        OutgoingMail.objects.update(sent_at=None)
    assert take(notice(mail)) == "ignored"


def test_the_command_reads_a_folder(mail: OutgoingMail, tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "1.eml").write_bytes(notice(mail))
    (tmp_path / "2.eml").write_bytes(b"Subject: x\r\n\r\n")
    as_worker(lambda: call_command("take_bounces", str(tmp_path), "--remove"))
    assert capsys.readouterr().out.splitlines() == ["1.eml: address paused", "2.eml: ignored"]
    assert list(tmp_path.iterdir()) == []
