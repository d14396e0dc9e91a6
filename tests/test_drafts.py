"""Nothing typed is lost: a closed tab, an ended session, an old token, two devices; and nobody else ever reads it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.actions import drafts as actions
from accounts.actions.drafts import Page
from accounts.drafting import take_up, token_of
from accounts.models import Draft, User
from conversations.models import Conversation
from engagements.models import Engagement, Goal, Insight, JournalEntry, LearningConcern, LearningStep
from engagements.states import State
from lernbegleitung import clock, ids, rls

from .conftest import as_owner
from .people import PASSWORD
from .test_audiences import fill
from .test_retention import run_as_worker

pytestmark = pytest.mark.django_db
ClientOf = Callable[[User], Client]
KEEP = "/entwuerfe/sichern/"
JOURNAL = "/lerntagebuch/"
WORDS = "Heute war ich Vierte, mitten im Satz"


@pytest.fixture
def engagement(engagement_in: Callable[..., Engagement]) -> Engagement:
    return engagement_in(State.ACTIVE)


def hidden(client: Client, url: str) -> dict[str, str]:
    """What the form of a page sends along without being asked."""
    body = client.get(url).content.decode()
    form = next(form for form in re.findall(r"<form.*?</form>", body, re.S) if "draft_token" in form)
    return dict(re.findall(r'<input type="hidden" name="([\w]+)" value="([^"]*)"', form))


def keep(client: Client, page: dict[str, str], **typed: Any) -> Any:
    return client.post(KEEP, {**page, **typed}, headers={"HX-Request": "true"})


def places(engagement: Engagement) -> dict[str, tuple[str, str]]:
    """Every form of the learner that keeps drafts: its page and one of its fields for own words."""
    with as_owner(), rls.acting_as(engagement.learner_id):
        step = LearningStep(engagement=engagement, due_on=clock.today())
        step.what = "Früh etwas sagen"
        step.save()
        goal = Goal(engagement=engagement)
        goal.title = "Ruhig bleiben"
        goal.save()
        entry = JournalEntry(engagement=engagement)
        entry.text = "Ein Eintrag"
        entry.save()
    at = reverse
    return {
        "concern": (at("engagements:concern", args=[engagement.pk]), "situation"),
        "agreement": (at("engagements:agreement", args=[engagement.pk]) + "?schreiben", "additions"),
        "step_create": (at("engagements:step_create", args=[engagement.pk]), "obstacle"),
        "step_edit": (at("engagements:step_edit", args=[step.pk]), "help"),
        "step_review": (at("engagements:step_review", args=[step.pk]), "happened"),
        "goal_create": (at("engagements:goal_create", args=[engagement.pk]), "level_3"),
        "goal_edit": (at("engagements:goal_edit", args=[goal.pk]), "signs"),
        "journal": (JOURNAL, "text"),
        "journal_edit": (at("engagements:journal_edit", args=[entry.pk]), "text"),
        "insights": ("/erkenntnisse/", "text"),
        "close": (at("engagements:close", args=[engagement.pk]), "helped"),
    }


def test_every_form_for_own_words_gives_back_what_was_typed(
    engagement: Engagement, world: SimpleNamespace, client_of: ClientOf
) -> None:
    client = client_of(world.anna)
    for name, (url, field) in places(engagement).items():
        answer = keep(client, hidden(client, url), **{field: f"{WORDS} {name}"})
        assert answer.status_code == 200 and "Entwurf gesichert" in answer.content.decode(), name
        body = client.get(url.removesuffix("?schreiben")).content.decode()
        assert f"{WORDS} {name}" in body and "Hier steht Ihr Entwurf" in body, name
    with as_owner():
        assert Draft.objects.count() == 11
        assert WORDS not in str([bytes(v) for v in Draft.objects.values_list("values_sealed", flat=True)])
        assert not any(WORDS in place for place in Draft.objects.values_list("place", flat=True))


def test_a_draft_of_the_closing_holds_nothing_that_opens_the_rating(
    engagement: Engagement, world: SimpleNamespace, client_of: ClientOf
) -> None:
    client = client_of(world.anna)
    page = hidden(client, reverse("engagements:close", args=[engagement.pk]))
    assert page["ticket"]
    keep(client, page, helped=WORDS)
    with rls.acting_as(world.anna.pk):
        assert page["ticket"] not in Draft.objects.get().values, "who has a draft must not be tied to a rating"


def test_the_draft_of_the_first_wish_is_there_before_any_companionship(
    world: SimpleNamespace, client_of: ClientOf
) -> None:
    client = client_of(world.anna)
    page = hidden(client, "/anfragen/")
    keep(client, page, ability=WORDS)
    assert WORDS in client.get("/anfragen/").content.decode()
    today = client.get("/heute/").content.decode()
    assert "Angefangen und noch nicht gespeichert" in today and WORDS not in today
    again = hidden(client, "/anfragen/")
    assert client.post("/anfragen/", {**again, "ability": WORDS}).status_code == 302
    with as_owner():
        assert not Draft.objects.exists(), "what is stored needs no draft, neither this page's nor the one it grew from"
        assert Engagement.objects.get().learner == world.anna
    assert "Angefangen" not in client.get("/heute/").content.decode()


def test_a_draft_is_read_by_its_owner_and_nobody_else(
    engagement: Engagement, world: SimpleNamespace, client_of: ClientOf
) -> None:
    anna, ben = client_of(world.anna), client_of(world.ben)
    page = hidden(anna, JOURNAL)
    keep(anna, page, text=WORDS)
    for user in (world.ben, world.carla, world.dirk, world.stranger):
        with rls.acting_as(user.pk):
            assert not Draft.objects.exists()
        assert client_of(user).get(reverse("accounts:draft_discard", args=[page["draft"]])).status_code == 404
    assert keep(ben, page, text="Bens Text").status_code == 400, "a line signed for somebody else"
    forged = {**page, "draft_token": token_of(world.ben, JOURNAL)}
    assert keep(ben, forged, text="Bens Text").status_code == 400, "the id of somebody else's draft"
    assert keep(anna, {**page, "draft_token": "x"}).status_code == 400
    assert keep(anna, {**page, "draft": "x"}).status_code == 400
    assert WORDS in anna.get(JOURNAL).content.decode()


def test_two_devices_lose_nothing_and_show_both(
    engagement: Engagement, world: SimpleNamespace, client_of: ClientOf
) -> None:
    desk, phone = client_of(world.anna), client_of(world.anna)
    at_desk, on_phone = hidden(desk, JOURNAL), hidden(phone, JOURNAL)
    keep(desk, at_desk, text="Am Schreibtisch angefangen")
    keep(phone, on_phone, text="Unterwegs angefangen")
    body = desk.get(JOURNAL).content.decode()
    assert "Unterwegs angefangen" in body and "Am Schreibtisch angefangen" in body
    assert "Noch ein Entwurf" in body
    taken = desk.get(f"{JOURNAL}?entwurf={at_desk['draft']}").content.decode()
    area = re.search(r"<textarea[^>]*name=\"text\"[^>]*>(.*?)</textarea>", taken, re.S)
    assert area and area[1].strip() == "Am Schreibtisch angefangen"
    # The page that grew out of the phone's draft is saved while the phone writes on: that text stays.
    grown = hidden(desk, JOURNAL)
    assert grown["draft_from"] == on_phone["draft"]
    keep(phone, on_phone, text="Unterwegs weitergeschrieben")
    sent = {**grown, "text": "Unterwegs angefangen", "audience": "me"}
    assert desk.post(JOURNAL, sent).status_code == 302
    body = phone.get(JOURNAL).content.decode()
    assert "Unterwegs weitergeschrieben" in body and "Am Schreibtisch angefangen" in body


def test_a_draft_of_an_older_version_stands_beside_what_was_stored(
    engagement: Engagement, world: SimpleNamespace, client_of: ClientOf
) -> None:
    client = client_of(world.anna)
    url = reverse("engagements:concern", args=[engagement.pk])
    page = hidden(client, url)
    keep(client, page, ability="Ich möchte meine Sicht sagen.", situation="", signs="")
    other = {
        **hidden(client_of(world.anna), url),
        "ability": "Am anderen Gerät gespeichert.",
        "situation": "",
        "signs": "",
    }
    other.pop("draft_from"), other.pop("draft_seen")
    assert client.post(url, other).status_code == 302
    body = client.get(url).content.decode()
    assert "Ihr Entwurf, und was inzwischen gespeichert wurde" in body
    assert "Am anderen Gerät gespeichert." in body and "Ich möchte meine Sicht sagen." in body
    now = hidden(client, url)
    assert client.post(url, {**now, "ability": "Ich möchte meine Sicht sagen."}).status_code == 302
    with as_owner(), rls.acting_as(world.anna.pk):
        assert LearningConcern.objects.get().ability == "Ich möchte meine Sicht sagen."
        assert not Draft.objects.exists()


def test_two_reviews_of_one_step_show_both_versions(
    engagement: Engagement, world: SimpleNamespace, client_of: ClientOf
) -> None:
    client, url = client_of(world.anna), places(engagement)["step_review"][0]
    first, second = hidden(client, url), hidden(client, url)
    assert client.post(url, {**first, "state": "done", "happened": "Vom ersten Gerät"}).status_code == 302
    conflict = client.post(url, {**second, "state": "tried", "happened": "Vom zweiten Gerät"})
    body = conflict.content.decode()
    assert conflict.status_code == 412 and "Vom ersten Gerät" in body and "Vom zweiten Gerät" in body
    again = dict(re.findall(r'<input type="hidden" name="([\w]+)" value="([^"]*)"', body))
    assert client.post(url, {**again, "state": "tried", "happened": "Vom zweiten Gerät"}).status_code == 302
    with as_owner(), rls.acting_as(world.anna.pk):
        assert Insight.objects.get().happened == "Vom zweiten Gerät"


def login(client: Client, parcel: str = "", **also: str) -> Any:
    sent = {"login": "anna@example.org", "password": PASSWORD, "held": parcel, "next": JOURNAL, **also}
    return client.post("/accounts/login/", sent)


def parcel_in(answer: Any) -> str:
    found = re.search(r'name="held" value="([^"]+)"', answer.content.decode())
    assert found, answer.content.decode()
    return found[1]


def test_a_form_sent_after_the_session_has_ended_goes_through_the_login(
    engagement: Engagement, world: SimpleNamespace, client_of: ClientOf
) -> None:
    page = hidden(client_of(world.anna), JOURNAL)
    stranger = Client()
    answer = stranger.post(JOURNAL, {**page, "text": WORDS, "audience": "me"})
    assert answer.status_code == 401 and "Ihr Text ist nicht verloren" in answer.content.decode()
    assert WORDS not in answer.content.decode(), "it travels sealed"
    wrong = login(stranger, parcel_in(answer), password="falsch")
    assert wrong.status_code == 200
    back = login(stranger, parcel_in(wrong))
    assert (back.status_code, back["Location"]) == (302, JOURNAL)
    body = stranger.get(JOURNAL).content.decode()
    assert WORDS in body and "Hier steht Ihr Entwurf" in body
    with as_owner():
        assert JournalEntry.objects.count() == 0, "nothing is saved half-done"
        cursor = connection.cursor()
        cursor.execute("SELECT session_data FROM django_session")
        assert WORDS not in str(cursor.fetchall())


def test_what_is_held_opens_for_the_person_who_typed_it_only(
    engagement: Engagement, world: SimpleNamespace, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = hidden(client_of(world.anna), JOURNAL)
    parcel = parcel_in(Client().post(JOURNAL, {**page, "text": WORDS}))
    other = Client()
    assert login(other, parcel, login="ben@example.org").status_code == 302
    with as_owner():
        assert not Draft.objects.exists()
    for broken in ("", "x", parcel[:-4] + "AAAA", "k:" + parcel.partition(":")[2]):
        assert not take_up(broken, world.anna)
    late = clock.now() + timedelta(hours=13)
    monkeypatch.setattr(clock, "now", lambda: late)
    assert not take_up(parcel, world.anna)


def test_with_a_second_factor_it_waits_until_the_person_is_in(
    engagement: Engagement, world: SimpleNamespace, client_of: ClientOf
) -> None:
    from allauth.mfa.adapter import get_adapter
    from allauth.mfa.totp.internal.auth import (
        format_hotp_value,
        generate_totp_secret,
        hotp_value,
        yield_hotp_counters_from_time,
    )

    secret = generate_totp_secret()
    with as_owner():
        Authenticator.objects.create(user=world.anna, type="totp", data={"secret": get_adapter().encrypt(secret)})
    page = hidden(client_of(world.anna), JOURNAL)
    stranger = Client()
    login(stranger, parcel_in(stranger.post(JOURNAL, {**page, "text": WORDS})))
    with as_owner():
        assert not Draft.objects.exists()
    code = format_hotp_value(hotp_value(secret, next(iter(yield_hotp_counters_from_time()))))
    assert stranger.post("/accounts/2fa/authenticate/", {"code": code}).status_code == 302
    assert WORDS in stranger.get(JOURNAL).content.decode()


def test_a_form_with_an_old_token_comes_back_filled(
    engagement: Engagement, world: SimpleNamespace, client_of: ClientOf
) -> None:
    signed_in = client_of(world.anna)
    page = {**hidden(signed_in, JOURNAL), "csrfmiddlewaretoken": "a" * 64}
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = signed_in.cookies
    answer = strict.post(JOURNAL, {**page, "text": WORDS})
    assert (answer.status_code, answer["Location"]) == (302, JOURNAL)
    body = signed_in.get(JOURNAL).content.decode()
    assert WORDS in body and "Senden Sie noch einmal ab" in body
    with as_owner():
        assert JournalEntry.objects.count() == 0
    foreign = strict.post(JOURNAL, {"text": "von einer fremden Seite", "draft": page["draft"], "draft_token": "x"})
    assert foreign.status_code == 403
    assert strict.post(KEEP, {**page, "text": "x"}, headers={"HX-Request": "true"}).status_code == 403
    alone = Client(enforce_csrf_checks=True).post(JOURNAL, {**page, "text": WORDS})
    assert alone.status_code == 401 and parcel_in(alone)


def test_letting_go_asks_first_and_too_much_is_said(
    engagement: Engagement, world: SimpleNamespace, client_of: ClientOf
) -> None:
    client = client_of(world.anna)
    page = hidden(client, JOURNAL)
    keep(client, page, text=WORDS)
    long = keep(client, hidden(client, JOURNAL), text="x" * (actions.LONGEST + 1))
    assert long.status_code == 422 and "mehr, als ein Entwurf fasst" in long.content.decode()
    away = reverse("accounts:draft_discard", args=[page["draft"]])
    assert WORDS in client.get(away).content.decode()
    assert client.get(JOURNAL).content.decode().count(WORDS) == 1, "asking removes nothing"
    assert client.post(away)["Location"] == JOURNAL
    assert WORDS not in client.get(JOURNAL).content.decode()
    assert client.get(away).status_code == 404


def test_there_are_forty_at_most_and_sixty_idle_days(world: SimpleNamespace, anna: User) -> None:
    with rls.acting_as(anna.pk):
        for number in range(actions.MOST + 3):
            actions.keep(page=Page(ids.new_id(), f"/x/{number}/"), values={"text": [str(number)]}, by=anna)
        assert Draft.objects.count() == actions.MOST
        assert not Draft.objects.filter(place="/x/0/").exists()
    with as_owner():
        Draft.objects.filter(place="/x/9/").update(changed_at=clock.now() - timedelta(days=61))
    run_as_worker()
    with as_owner():
        assert Draft.objects.count() == actions.MOST - 1


def test_a_page_asks_once_for_drafts_however_many_there_are(
    engagement: Engagement, world: SimpleNamespace, client_of: ClientOf
) -> None:
    client = client_of(world.anna)

    def asked(url: str) -> int:
        client.get(url)
        with CaptureQueriesContext(connection) as queries:
            client.get(url)
        return len(queries)

    def add() -> None:
        page = hidden(client, JOURNAL)
        page.pop("draft_from", None)
        keep(client, page, text=f"{WORDS} {ids.new_id()}")

    add()
    add()
    one = [asked(JOURNAL), asked("/heute/")]
    add()
    add()
    assert [asked(JOURNAL), asked("/heute/")] == one


def test_nothing_of_it_stands_in_a_cookie_or_an_address(
    engagement: Engagement, world: SimpleNamespace, client_of: ClientOf
) -> None:
    client = client_of(world.anna)
    page = hidden(client, JOURNAL)
    answer = keep(client, page, text=WORDS)
    assert WORDS not in str(answer.headers) and WORDS not in answer.content.decode()


def test_two_devices_prepare_a_talk_and_see_both_versions(
    engagement: Engagement, world: SimpleNamespace, client_of: ClientOf
) -> None:
    fill(engagement, shared=True)
    with as_owner():
        talk = Conversation.objects.get(engagement=engagement)
    url, topic = (reverse(f"conversations:{name}", args=[talk.pk]) for name in ("prepare", "topic"))
    client = client_of(world.anna)

    def page(number: int) -> dict[str, str]:
        forms = [
            f for f in re.findall(r"<form.*?</form>", client.get(url).content.decode(), re.S) if "draft_token" in f
        ]
        return dict(re.findall(r'<input type="hidden" name="([\w]+)" value="([^"]*)"', forms[number]))

    for number, address, field in ((1, url, "before"), (0, topic, "text")):
        first, second = page(number), page(number)
        assert client.post(address, {**first, field: "Vom ersten Gerät", "shared": "on"}).status_code == 302
        conflict = client.post(address, {**second, field: "Vom zweiten Gerät", "shared": "on"})
        body = conflict.content.decode()
        assert conflict.status_code == 412 and "Vom ersten Gerät" in body and "Vom zweiten Gerät" in body
        again = {**second, "seen": re.findall(r'name="seen" value="([^"]+)"', body)[number]}
        assert client.post(address, {**again, field: "Vom zweiten Gerät", "shared": "on"}).status_code == 302
        assert "Vom zweiten Gerät" in client.get(url).content.decode()
