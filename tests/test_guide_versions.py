"""The guide in versions: a draft is edited and published, and talks already made keep the words they were made with."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import translation

from accounts.models import AuditEvent, User
from conversations.actions import guides
from conversations.appointments import Kind
from conversations.guide import PARTS
from conversations.guide_versions import GuideVersion
from conversations.models import Conversation
from engagements.models import Engagement
from engagements.states import State
from lernbegleitung import rls

from .conftest import as_owner
from .test_question_bank import talk_in

pytestmark = pytest.mark.django_db
ClientOf = Callable[[User], Client]
Make = Callable[..., Engagement]
EDIT, PREVIEW, PUBLISH = (f"/methode/leitfaden/conversation/{end}" for end in ("", "vorschau/", "veroeffentlichen/"))


def words(**changed: Any) -> dict[str, Any]:
    """The form as it stands, with changes."""
    guide = GuideVersion.objects.get(kind="conversation", state="published")
    values = {f"p{n}_{name}": text for n, part in enumerate(guide.sections, 1) for name, text in part.items()}
    return {**values, "version": 0, **changed}


def page(client: Client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200
    return response.content.decode()


def desk(client: Client, talk: Conversation) -> str:
    return page(client, reverse("conversations:desk", args=[talk.pk]))


def test_every_kind_begins_with_version_one_in_the_words_of_the_method() -> None:
    assert {(row.kind, row.number, row.state) for row in GuideVersion.objects.all()} == {
        (kind.value, 1, "published") for kind in Kind
    }
    for guide in GuideVersion.objects.all():
        for language in ("de", "en"):
            with translation.override(language):
                assert [(p.title, p.aim) for p in guide.parts()] == [(str(p.title), str(p.aim)) for p in PARTS]


def test_publishing_touches_no_talk_already_made(
    world: SimpleNamespace, client_of: ClientOf, engagement_in: Make
) -> None:
    engagement, mia, ben = engagement_in(State.ACTIVE), client_of(world.mia), client_of(world.ben)
    before = talk_in(engagement, earlier=2)
    changed = words(
        p1_title_de="Worum geht es?", p1_hint_de="Ohne Eile.", p1_hint_en="No hurry.", p1_questions=["c15", "c05"]
    )
    assert mia.post(EDIT, changed)["Location"] == PREVIEW
    shown = page(mia, PREVIEW)
    assert "Worum geht es?" in shown and "No hurry." in shown and "Wofür lohnt sich die Mühe?" in shown
    assert "Worum geht es?" not in desk(ben, talk_in(engagement, earlier=1)), "a draft is for nobody yet"
    for _twice in range(2):
        assert mia.post(PUBLISH, {"version": 1}).status_code == 302
    after = talk_in(engagement)
    assert "Worum geht es?" not in desk(ben, before) and "Anliegen klären" in desk(ben, before)
    body = desk(ben, after)
    first, folded = body.split('id="teil-1"')[1].split("Weitere Fragen")[:2]
    assert "Worum geht es?" in first and "Ohne Eile." in first
    assert "Wofür lohnt sich die Mühe?" in first and "Warum gerade jetzt?" in first
    assert "Wie lautet Ihr Anliegen in einem Satz?" not in first
    for talk, number in ((before, 1), (after, 2)):
        protocol = page(ben, reverse("conversations:protocol", args=[talk.pk]))
        assert ("Worum geht es?" in protocol) is (number == 2)
        with as_owner():
            assert Conversation.objects.get(pk=talk.pk).guide.number == number
    with as_owner():
        states = list(GuideVersion.objects.filter(kind="conversation").values_list("number", "state"))
        assert states == [(1, "former"), (2, "published")]
        assert AuditEvent.objects.filter(actor=world.mia, kind="guide.published").count() == 1


def test_a_talk_keeps_its_guide_whoever_wants_to_change_it(world: SimpleNamespace, engagement_in: Make) -> None:
    talk = talk_in(engagement_in(State.ACTIVE))
    other = GuideVersion.objects.get(kind="closing")
    with rls.acting_as(world.ben.pk):
        Conversation.objects.filter(pk=talk.pk).update(guide=other)
    with as_owner():
        assert Conversation.objects.get(pk=talk.pk).guide.kind == "conversation"


def test_published_words_never_change_and_only_the_method_owner_writes(world: SimpleNamespace) -> None:
    rows = GuideVersion.objects.filter(kind="conversation")
    for user in (world.anna, world.ben, world.carla, world.dirk):
        with rls.acting_as(user.pk):
            assert not rows.update(state="former")
        with pytest.raises(DatabaseError), transaction.atomic(), rls.acting_as(user.pk):
            GuideVersion.objects.create(kind="conversation", number=2)
    for change in ({"sections": []}, {"state": "draft"}, {"number": 7}):
        with pytest.raises(DatabaseError), transaction.atomic(), rls.acting_as(world.mia.pk):
            rows.update(**change)


def test_a_draft_is_seen_by_the_method_owner_alone(world: SimpleNamespace, client_of: ClientOf) -> None:
    client_of(world.mia).post(EDIT, words(p1_title_de="Noch nicht"))
    for user, number in ((world.mia, 1), (world.ben, 0), (world.anna, 0), (world.dirk, 0)):
        with rls.acting_as(user.pk):
            assert GuideVersion.objects.filter(state="draft").count() == number
    for address in (EDIT, PREVIEW):
        assert client_of(world.ben).get(address).status_code == 403
    assert client_of(world.dirk).post(PUBLISH, {"version": 1}).status_code == 403
    assert client_of(world.mia).get("/methode/leitfaden/x/").status_code == 404


def test_what_is_wrong_is_said_beside_the_field_and_nothing_is_lost(
    world: SimpleNamespace, client_of: ClientOf
) -> None:
    mia = client_of(world.mia)
    wrongs = [
        {"p2_title_de": ""}, {"p2_title_en": "x" * 81}, {"p2_aim_de": ""}, {"p2_hint_de": "Nur deutsch."},
        {"p2_hint_en": "English only."}, {"p2_questions": ["c01"]}, {"p2_questions": ["x"]},
    ]  # fmt: skip
    for wrong in wrongs:
        response = mia.post(EDIT, words(p1_title_de="Bleibt stehen", **wrong))
        assert response.status_code == 422 and "Bleibt stehen" in response.content.decode(), wrong
    with as_owner():
        assert not GuideVersion.objects.filter(state="draft").exists()


def test_two_method_owners_do_not_overwrite_each_other(world: SimpleNamespace, client_of: ClientOf) -> None:
    mia = client_of(world.mia)
    assert mia.post(EDIT, words(p1_title_de="Zuerst")).status_code == 302
    assert mia.post(EDIT, words(p1_title_de="Zuerst")).status_code == 302, "the same twice is once"
    stale = mia.post(EDIT, words(p1_title_de="Zu spät"))
    body = stale.content.decode()
    assert stale.status_code == 412 and "Zuerst" in body and "Zu spät" in body
    assert mia.post(EDIT, words(p1_title_de="Danach", version=1)).status_code == 302
    assert "Inzwischen hat sich der Entwurf geändert" in mia.post(PUBLISH, {"version": 1}, follow=True).content.decode()
    for odd in ("", "x", "9" * 30):
        assert mia.post(PUBLISH, {"version": odd}).status_code == 302
    with as_owner():
        assert GuideVersion.objects.get(state="draft").version == 2
    assert not guides.publish(kind="closing", version=1, by=world.mia), "no draft"


def test_a_retired_question_leaves_the_desk_and_another_kind_keeps_its_guide(
    world: SimpleNamespace, client_of: ClientOf, engagement_in: Make
) -> None:
    from conversations.models import GuidingQuestion

    talk, ben = talk_in(engagement_in(State.ACTIVE)), client_of(world.ben)
    assert "Was möchten Sie in Ihrer Arbeit besser können" in desk(ben, talk)
    with as_owner():
        GuidingQuestion.objects.filter(code="c01").update(is_active=False)
    assert "Was möchten Sie in Ihrer Arbeit besser können" not in desk(ben, talk)
    with as_owner():
        closing = GuideVersion.objects.get(kind="closing")
    assert closing.parts("de")[3].hint.startswith("Zum Abschluss gehört")


def test_a_draft_is_discarded_as_it_was_seen_and_the_published_one_goes_on(
    world: SimpleNamespace, client_of: ClientOf
) -> None:
    mia, address = client_of(world.mia), reverse("conversations:guide_discard", args=["closing"])
    with as_owner():
        published = GuideVersion.objects.get(kind="closing", state="published")
    with rls.acting_as(world.mia.pk):
        guides.write_draft(
            kind="closing", version=0, sections=[{**s, "title_de": "Neu"} for s in published.sections], by=world.mia
        )
    mia.post(address, {"version": "7"})
    with as_owner():
        assert GuideVersion.objects.filter(kind="closing", state="draft").exists(), "somebody else has changed it"
    assert client_of(world.ben).post(address, {"version": "1"}).status_code == 403
    for _ in range(2):
        assert mia.post(address, {"version": "1"}).status_code == 302
    with as_owner():
        assert list(GuideVersion.objects.filter(kind="closing")) == [published]
    with rls.acting_as(world.mia.pk):
        assert GuideVersion.objects.filter(pk=published.pk).delete()[0] == 0, "in the database neither"
