"""The direct line: anybody writes to the coordination responsible for them; it answers. It says nothing of a companionship."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import ProgrammingError, connection, transaction
from django.test import Client
from django.urls import reverse

from accounts.models import DataKey, Draft, OutgoingMail, RoleGrant, User
from engagements.direct_line import DirectLine, LineMessage
from engagements.models import Engagement
from engagements.states import State
from lernbegleitung import clock, ids, rls

from .conftest import as_owner
from .people import make_role, person

pytestmark = pytest.mark.django_db
ClientOf = Callable[[User], Client]
LINE = "/direkter-draht/"
WORDS = "Mein Raum ist nicht buchbar."


def send(client: Client, text: str = WORDS, *, address: str = LINE, pk: object = None) -> Any:
    return client.post(address, {"id": str(pk or ids.new_id()), "text": text})


def the_line() -> DirectLine:
    with as_owner():
        return DirectLine.objects.get()


def at_coordination(line: DirectLine) -> str:
    return reverse("engagements:line_answer", args=[line.pk])


@pytest.mark.parametrize("who", ["anna", "ben"])
def test_a_message_goes_there_is_answered_and_comes_back(who: str, world: SimpleNamespace, client_of: ClientOf) -> None:
    writer = getattr(world, who)
    mine, carla = client_of(writer), client_of(world.carla)
    page = mine.get(LINE).content.decode()
    assert "Koordination Bayern" in page and "Ohne Inhalt der Begleitung" in page
    assert "Carla Beispiel" in page, "who will read it stands below the field, by name"
    assert send(mine).status_code == 302
    line = the_line()
    inbox = carla.get(reverse("engagements:line_inbox")).content.decode()
    assert writer.name in inbox and WORDS not in inbox
    assert WORDS in carla.get(at_coordination(line)).content.decode()
    assert send(carla, "Ich kümmere mich.", address=at_coordination(line)).status_code == 302
    assert "Alles beantwortet" in carla.get(reverse("engagements:line_inbox")).content.decode()
    page = mine.get(LINE).content.decode()
    assert page.index(WORDS) < page.index("Ich kümmere mich.")
    with as_owner():
        mails = list(OutgoingMail.objects.order_by("created_at").values_list("kind", "recipient_id"))
    assert mails == [("line_written", world.carla.pk), ("line_answered", writer.pk)]
    send(mine, "Danke.")
    assert "Alles beantwortet" not in carla.get(reverse("engagements:line_inbox")).content.decode()


def test_nobody_else_sees_it_and_the_text_is_sealed(world: SimpleNamespace, client_of: ClientOf) -> None:
    send(client_of(world.anna))
    line = the_line()
    for who in ("ben", "dirk", "eva", "mia", "stranger"):
        with rls.acting_as(getattr(world, who).pk):
            assert (DirectLine.objects.count(), LineMessage.objects.count()) == (0, 0), who
            assert not DataKey.objects.filter(pk=line.pk).exists(), who
    for who in ("eva", "dirk", "anna"):
        assert client_of(getattr(world, who)).get(at_coordination(line)).status_code in (403, 404)
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("SELECT encode(text_sealed, 'escape') FROM engagements_linemessage")
        assert "Raum" not in cursor.fetchone()[0]
        assert "Raum" not in str(list(OutgoingMail.objects.values()))


def test_whoever_coordinates_no_longer_reads_no_longer(world: SimpleNamespace, client_of: ClientOf) -> None:
    send(client_of(world.anna))
    with as_owner():
        follower = person("Folgt", world.south)
        make_role(follower, "coordinator", world.south)  # type: ignore[arg-type]
        RoleGrant.objects.filter(user=world.carla).update(ends_on=clock.today() - timedelta(days=1))
    assert client_of(world.carla).get(at_coordination(the_line())).status_code == 403
    assert WORDS in client_of(follower).get(at_coordination(the_line())).content.decode()


def test_a_companionship_does_not_show(
    world: SimpleNamespace, client_of: ClientOf, engagement_in: Callable[..., Engagement]
) -> None:
    """The coordination's pages are the same for a writer with and without one."""
    engagement = engagement_in(State.ACTIVE)
    send(client_of(world.anna))
    carla, address = client_of(world.carla), at_coordination(the_line())

    def pages() -> list[str]:
        found = [carla.get(url).content.decode() for url in (address, reverse("engagements:line_inbox"))]
        return [page.split("<main")[1].split("csrfmiddlewaretoken")[0] for page in found]

    with_one = pages()
    with as_owner():
        Engagement.objects.filter(pk=engagement.pk).update(state="withdrawn", companion=None)
    assert with_one == pages() and "Ben" not in "".join(with_one)


def test_sent_twice_is_once_and_nothing_typed_is_lost(world: SimpleNamespace, client_of: ClientOf) -> None:
    anna, pk = client_of(world.anna), ids.new_id()
    assert [send(anna, pk=pk).status_code for _twice in range(2)] == [302, 302]
    answer = send(anna, "")
    assert answer.status_code == 422 and "Schreiben Sie mindestens ein Wort." in answer.content.decode()
    long = send(anna, "x" * 4001)
    assert long.status_code == 422 and "x" * 4001 in long.content.decode()
    with as_owner():
        assert (LineMessage.objects.count(), DirectLine.objects.count()) == (1, 1)
        assert OutgoingMail.objects.count() == 1
    page = anna.get(LINE).content.decode()
    assert "data-draft-status" in page
    token, draft = (page.split(f'name="{name}" value="')[1].split('"')[0] for name in ("draft_token", "draft"))
    typed = {"text": "Halb", "draft_token": token, "draft": draft}
    assert anna.post(reverse("accounts:draft_keep"), typed).status_code == 200
    assert "Halb</textarea>" in anna.get(LINE).content.decode()
    send_all = {"id": str(ids.new_id()), "text": "Ganz", "draft_token": token, "draft": draft}
    assert anna.post(LINE, send_all).status_code == 302
    with as_owner():
        assert Draft.objects.count() == 0


def test_ten_in_an_hour_are_enough(world: SimpleNamespace, client_of: ClientOf) -> None:
    anna = client_of(world.anna)
    for number in range(12):
        send(anna, f"Nummer {number}")
    with as_owner():
        assert LineMessage.objects.count() == 10
        LineMessage.objects.update(written_at=clock.now() - timedelta(minutes=61))
    send(anna)
    with as_owner():
        assert LineMessage.objects.count() == 11


def test_settled_without_words_and_opened_by_the_next_message(world: SimpleNamespace, client_of: ClientOf) -> None:
    anna, carla = client_of(world.anna), client_of(world.carla)
    send(anna)
    settle = reverse("engagements:line_settle", args=[the_line().pk])
    assert client_of(world.eva).post(settle).status_code == 404
    assert [carla.post(settle).status_code for _twice in range(2)] == [302, 302]
    assert the_line().waits_since is None
    send(anna, "Doch noch etwas.")
    assert the_line().waits_since is not None


def test_messages_are_never_changed_and_nobody_writes_in_anothers_name(
    world: SimpleNamespace, client_of: ClientOf
) -> None:
    send(client_of(world.anna))
    line = the_line()
    with rls.acting_as(world.carla.pk), pytest.raises(ProgrammingError), transaction.atomic():
        LineMessage.objects.update(text_sealed=b"")
    for author, writer in ((world.anna, world.carla), (world.stranger, world.stranger)):
        with rls.acting_as(writer.pk), pytest.raises(ProgrammingError), transaction.atomic():
            LineMessage.objects.bulk_create([LineMessage(pk=uuid.uuid4(), line_id=line.pk, author=author)])
    with rls.acting_as(world.anna.pk), pytest.raises(ProgrammingError), transaction.atomic():
        DirectLine.objects.bulk_create([DirectLine(writer=world.anna, agency=world.north)])  # not responsible


def test_where_nobody_coordinates_the_page_says_so(world: SimpleNamespace, client_of: ClientOf) -> None:
    with as_owner():
        RoleGrant.objects.filter(role="coordinator").delete()
    anna = client_of(world.anna)
    assert "gerade keine Koordination" in anna.get(LINE).content.decode()
    send(anna)
    with as_owner():
        assert not DirectLine.objects.exists()


def test_the_writer_lets_go_of_everything_and_ninety_days_do(world: SimpleNamespace, client_of: ClientOf) -> None:
    anna = client_of(world.anna)
    send(anna)
    with rls.acting_as(world.carla.pk):
        assert DirectLine.objects.all().delete()[0] == 0, "only the writer lets go of it"
    assert [anna.post(reverse("engagements:direct_line_erase")).status_code for _twice in range(2)] == [302, 302]
    send(anna)
    line = the_line()
    for days, left in ((89, 1), (91, 0)):
        with as_owner(), connection.cursor() as cursor:
            DirectLine.objects.update(last_at=clock.now() - timedelta(days=days))
            cursor.execute("SELECT * FROM erase_due()")
            assert DirectLine.objects.count() == LineMessage.objects.count() == left
            assert DataKey.objects.filter(pk=line.pk).count() == left


def test_the_pages_ask_as_often_for_three_as_for_one(
    world: SimpleNamespace, client_of: ClientOf, assert_same_queries: Callable[..., None]
) -> None:
    anna, carla = client_of(world.anna), client_of(world.carla)
    send(anna)
    line = the_line()

    def add(number: int) -> None:
        send(anna, f"Noch eine {number}")
        with as_owner():
            other = person(f"Weitere{number}", world.augsburg)
        send(client_of(other))
        with as_owner():
            third = person(f"Dritte{number}", world.augsburg)
        send(client_of(third))
        with as_owner():
            DirectLine.objects.filter(writer=third).update(waits_since=None)

    assert_same_queries(lambda: anna.get(LINE), add)
    assert_same_queries(lambda: carla.get(at_coordination(line)), lambda n: add(n + 5))
    assert_same_queries(lambda: carla.get(reverse("engagements:line_inbox")), lambda n: add(n + 10))
