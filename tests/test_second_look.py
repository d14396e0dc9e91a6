"""What a second pair of eyes found in what was built last: each with its test."""

from __future__ import annotations

import smtplib
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.urls import reverse

from accounts import notes
from accounts.actions import agencies
from accounts.actions.invitations import accept, invite
from accounts.models import Agency, Invitation, RoleGrant, User
from accounts.relay import as_relays_take_it
from accounts.replies import reply_of
from engagements.models import Engagement
from engagements.states import State
from lernbegleitung import clock, rls

from .conftest import as_owner
from .test_import import lines_of, looked_over, outcomes, ring, start
from .test_leaving import later, night, now_of

pytestmark = pytest.mark.django_db
Browser = Callable[[User], Client]
Make = Callable[..., Engagement]


def test_an_address_with_umlauts_is_written_as_relays_take_it_and_another_is_none() -> None:
    assert as_relays_take_it("info@müller.de") == "info@xn--mller-kva.de"
    assert as_relays_take_it("anna@example.org") == "anna@example.org"
    for odd in ("jürgen@example.org", "a@" + "ü" * 70 + ".de"):
        with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
            as_relays_take_it(odd)
        assert (reply_of(refused.value).about, reply_of(refused.value).never) == ("address", True)


def held_at(agency: Agency, person: User) -> set[tuple[str, Any]]:
    with as_owner():
        rows = RoleGrant.objects.in_force(clock.today()).filter(user=person, agency=agency)
        return set(rows.values_list("role", "ends_on"))


def test_whoever_merges_the_agency_of_the_own_administration_keeps_it(world: SimpleNamespace) -> None:
    with as_owner():
        RoleGrant.objects.filter(user=world.dirk).update(agency=world.ulm)
    with rls.acting_as(world.dirk.pk):
        agencies.merge(agency=world.ulm, into=world.kiel, keep=[], free_days=False, by=world.dirk)
    with as_owner():
        assert Agency.objects.get(pk=world.ulm.pk).merged_on == clock.today()
    assert held_at(world.kiel, world.dirk) == {("administrator", None)}
    assert held_at(world.ulm, world.dirk) == set()


def test_two_roles_of_a_kind_that_overlap_become_the_longer_one(world: SimpleNamespace) -> None:
    today = clock.today()
    with as_owner():
        RoleGrant.objects.filter(user=world.ben, role="companion").delete()
        for days, ends in ((20, today + timedelta(days=5)), (10, None), (3, today + timedelta(days=9))):
            since = today - timedelta(days=days)
            RoleGrant.objects.create(user=world.ben, role="companion", agency=world.ulm, starts_on=since, ends_on=ends)
    with rls.acting_as(world.dirk.pk):
        agencies.merge(agency=world.ulm, into=world.kiel, keep=[], free_days=False, by=world.dirk)
    assert held_at(world.kiel, world.ben) == {("companion", None)}


def test_a_role_that_is_over_before_it_is_taken_over_stops_no_other_line(
    world: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    until = clock.today() + timedelta(days=1)
    text = (
        "E-Mail;Name;Dienststelle;Rolle;Rolle bis\n"
        f"{world.anna.email};;augsburg;companion;{until}\n"
        f"neu@example.org;Neu;augsburg;companion;{until}\n"
        f"{world.stranger.email};Anders;;;\n"
    )
    file = looked_over(world.dirk, text)
    later(3, monkeypatch)
    start(file, world.dirk)
    ring()
    assert outcomes(file) == ["meanwhile", "meanwhile", "done"], [line.reasons for line in lines_of(file)]


def test_an_invitation_whose_role_is_over_lets_in_without_it(
    world: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = "t" * 43
    monkeypatch.setattr("accounts.actions.invitations.secrets.token_urlsafe", lambda size: token)
    with rls.acting_as(world.dirk.pk):
        invite(
            email="neu@example.org", name="Neu", agency=world.augsburg, role="companion", language="de", by=world.dirk
        )
    with as_owner():
        invitation = Invitation.objects.get(email="neu@example.org")
        Invitation.objects.filter(pk=invitation.pk).update(role_until=clock.today() - timedelta(days=1))
    with rls.acting_as(None, at_the_door=True):
        person = accept(token=token, name="Neu", password="ein langer Satz für alle", language="de")
    with as_owner():
        assert not RoleGrant.objects.filter(user=person).exists()


def test_a_companion_who_was_long_absent_and_then_leaves_is_noticed(
    world: SimpleNamespace, client_of: Browser, engagement_in: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    engagement = engagement_in(State.ACTIVE)
    with as_owner():
        User.objects.filter(pk=world.ben.pk).update(absent_from=clock.today(), absent_until=None)
    assert night() == 1
    later(1, monkeypatch)
    client_of(world.anna).post(reverse("engagements:resume", args=[engagement.pk]))
    with as_owner():
        User.objects.filter(pk=world.ben.pk).update(is_active=False)
    assert night() == 1 and now_of(engagement).state == State.PAUSED
    assert night() == 0


def test_notes_that_cannot_be_written_stay_in_the_journal(
    tmp_path: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.MAIL_JOURNAL = str(tmp_path)

    def away(written: list[notes.Note]) -> None:
        raise OperationalError

    monkeypatch.setattr(notes, "TRIES", 1)
    monkeypatch.setitem(notes.WRITERS, "mail", away)
    desk = notes.Notes()
    desk.add("mail", {"mail": "01a21c14-8403-7bde-a07a-7c4511429fb5", "at": "2026-11-27T10:00Z"})
    with pytest.raises(OperationalError):
        desk.flush()
    assert "01a21c14" in desk.path.read_text(), "the next ring writes it"
    assert desk.waiting


def test_a_yes_is_to_the_coordination_that_was_read_about(
    world: SimpleNamespace, client_of: Browser, engagement_in: Make
) -> None:
    engagement = engagement_in(State.REQUESTED)
    with as_owner():
        Engagement.objects.filter(pk=engagement.pk).update(forward_to=world.kiel)
    url, anna = reverse("engagements:forward", args=[engagement.pk]), client_of(world.anna)
    assert f'name="asked" value="{world.kiel.pk}"' in anna.get(url).content.decode()
    before = now_of(engagement).coordinating_agency_id
    for answer in ("yes", "no"):
        anna.post(url, {"answer": answer, "asked": world.ulm.pk})
        found = now_of(engagement)
        assert (found.coordinating_agency_id, found.forward_to_id) == (before, world.kiel.pk)


@pytest.mark.parametrize("number", ["²", "9" * 5000, "٣", "-1", ""])
def test_what_looks_like_a_number_and_is_none(number: str, world: SimpleNamespace, client_of: Browser) -> None:
    assert client_of(world.anna).get("/begleitende/", {"nach": f"A~{number}"}).status_code == 200
    assert client_of(world.anna).post("/ausschluesse/entfernen/", {"pk": number}).status_code == 404
    assert client_of(world.dirk).get("/personen/", {"nach": f"A~{number}"}).status_code == 200
    assert client_of(world.carla).get("/einladungen/", {"vor": number}).status_code == 200


def test_no_connection_is_left_with_an_open_door() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('app.user_id', true)")
        assert cursor.fetchone()[0] in ("", None)
