"""The question bank: looked through, kept from, added to for oneself and for all; and nobody sees who keeps what."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.utils import DatabaseError, ProgrammingError
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEvent, OutgoingMail, User
from conversations.actions import method
from conversations.bank import kept_by_several
from conversations.models import (
    Conversation,
    ConversationPart,
    Favourite,
    GuidingQuestion,
    OwnQuestion,
    Preparation,
    QuestionProposal,
    QuestionUse,
)
from conversations.questions import ALL_KINDS, by_part, from_file
from engagements.models import Engagement, Occasion
from engagements.states import State
from lernbegleitung import clock, ids, rls

from .conftest import as_owner
from .people import make_companion, person
from .test_insights import add_talk
from .test_retention import run_as_worker

pytestmark = pytest.mark.django_db
ClientOf = Callable[[User], Client]
Make = Callable[..., Engagement]
Same = Callable[..., None]
BANK, OWN, METHOD = "/fragen/", "/fragen/eigene/", "/methode/"
HTMX = {"HX-Request": "true"}


@pytest.fixture
def talk(world: SimpleNamespace, engagement_in: Make) -> Conversation:
    """A talk of Anna and Ben."""
    return talk_in(engagement_in(State.ACTIVE))


def talk_in(engagement: Engagement, *, earlier: int = 0) -> Conversation:
    """A talk with its parts; `earlier`: moved back by so many days, as nobody is in two at once."""
    talk = add_talk(engagement)
    with as_owner():
        appointment = talk.appointment
        appointment.starts_at -= timedelta(days=earlier)
        appointment.ends_at -= timedelta(days=earlier)
        appointment.save()
        ConversationPart.objects.bulk_create(ConversationPart(conversation=talk, part=part) for part in range(1, 5))
    return talk


def question(code: str = "c01") -> GuidingQuestion:
    return GuidingQuestion.objects.get(code=code)


def page(client: Client, address: str = BANK) -> str:
    response = client.get(address)
    assert response.status_code == 200
    return response.content.decode()


def shown(body: str) -> list[str]:
    return re.findall(r'<li id="frage-([\w-]+)"', body)


def own_of(user: User, text: str = "Was trägt Sie?") -> OwnQuestion:
    with as_owner(), rls.acting_as(user.pk):
        row = OwnQuestion(owner=user)
        row.text = text
        row.save()
    return row


def sheet_of(user: User, talk: Conversation) -> str:
    with as_owner(), rls.acting_as(user.pk):
        found = Preparation.objects.filter(owner=user, conversation=talk).first()
        return found.questions if found else ""


def whole(question: GuidingQuestion, **values: Any) -> dict[str, Any]:
    names = ("text_de", "text_en", "part", "kinds", "occasions", "version")
    return {name: getattr(question, name) for name in names} | values


# ── what the bank holds ────────────────────────────────────────────────────


def test_there_are_enough_questions_in_both_languages_for_every_part_kind_and_occasion() -> None:
    rows = list(GuidingQuestion.objects.all())
    assert len(rows) == len(from_file()) >= 80
    assert all(row.text_de.strip() and row.text_en.strip() for row in rows)
    assert len({row.text_de for row in rows}) == len({row.text_en for row in rows}) == len(rows)
    for kind in ALL_KINDS:
        parts = by_part(kind)
        assert min(len(parts[part]) for part in "1234") >= 15, kind
        assert min(len(parts[part]) for part in ("opening", "closing", "difficult")) >= 5, kind
    for occasion in Occasion.objects.exclude(code="own_topic"):
        tagged = [row.part for row in rows if occasion.code in row.occasions]
        assert set(tagged) == {"1", "2", "3", "4"}, occasion.code
    known = set(Occasion.objects.values_list("code", flat=True))
    assert {code for row in rows for code in row.occasions} <= known


ADVICE = re.compile(
    r"^haben Sie (schon|mal|einmal)|wie wäre es|warum (nicht|machen|haben Sie nicht)|sollten|könnten Sie nicht|"
    r"^have you tried|why (don't|not|haven't)|you should|how about|wouldn't", re.I,
)  # fmt: skip


def test_no_question_hides_a_piece_of_advice() -> None:
    assert [q["code"] for q in from_file() if ADVICE.search(q["de"]) or ADVICE.search(q["en"])] == []


def test_a_question_for_another_occasion_is_left_out_and_the_fitting_come_first() -> None:
    texts = [row.code for row in by_part("conversation", "leadership")["1"]]
    assert texts[0] == "c23" and not {"c19", "c20", "c21", "c22"} & set(texts)
    assert "o04" not in [row.code for row in by_part("introduction")["opening"]]


# ── looking through ────────────────────────────────────────────────────────


def test_the_bank_is_searched_in_both_languages_whatever_capitals_and_accents(
    world: SimpleNamespace, client_of: ClientOf
) -> None:
    ben = client_of(world.ben)
    hit = [f"bank-{question('i13').pk}"]
    for words in ("NERVOS", "nervös", "nervous slightly", "Idee nervos"):
        assert shown(page(ben, f"{BANK}?q={words}")) == hit, words
    body = page(ben, BANK + "?q=katzenklo")
    assert shown(body) == [] and "Dazu steht keine Frage" in body and "0 Fragen" in body


def test_filters_work_together_and_nonsense_finds_nothing(world: SimpleNamespace, client_of: ClientOf) -> None:
    ben = client_of(world.ben)
    every = GuidingQuestion.objects.filter(is_active=True)
    assert len(shown(page(ben))) == every.count()
    assert len(shown(page(ben, BANK + "?teil=difficult"))) == every.filter(part="difficult").count()
    found = shown(page(ben, BANK + "?teil=opening&art=introduction"))
    assert len(found) == every.filter(part="opening", kinds__contains=["introduction"]).count()
    assert len(shown(page(ben, BANK + "?anlass=new_job"))) == 4
    for nonsense in ("?teil=x", "?art=x", "?anlass=x", "?eigene=1", "?gemerkt=1"):
        assert shown(page(ben, BANK + nonsense)) == []
    body = page(ben, BANK + "?teil=1&q=wort")
    assert 'value="wort"' in body and '<option value="1" selected>' in body, "the address carries the filter"
    assert page(ben, BANK + "?gespraech=x") and page(ben, f"{BANK}?gespraech={ids.new_id()}")


def test_the_questions_follow_the_readers_language(world: SimpleNamespace, client_of: ClientOf) -> None:
    with as_owner():
        User.objects.filter(pk=world.ben.pk).update(language="en")
    body = client_of(world.ben).get(BANK, headers={"accept-language": "en"}).content.decode()
    assert "Why now?" in body and "Warum gerade jetzt?" not in body


def test_the_bank_is_for_companions_and_the_method_owner(world: SimpleNamespace, client_of: ClientOf) -> None:
    answers = {
        user.name: client_of(user).get(BANK).status_code
        for user in (world.anna, world.ben, world.carla, world.dirk, world.mia)
    }
    assert list(answers.values()) == [403, 200, 403, 403, 200]
    assert "Leitfaden und Fragen" in page(client_of(world.mia), "/heute/")
    for user in (world.anna, world.ben, world.carla, world.dirk):
        assert client_of(user).get(METHOD).status_code == 403
        assert client_of(user).get(reverse("conversations:question_edit", args=[question().pk])).status_code == 403


# ── favourites ─────────────────────────────────────────────────────────────


def test_a_question_is_kept_with_one_click_and_twice_is_once(world: SimpleNamespace, client_of: ClientOf) -> None:
    ben, kept = client_of(world.ben), question()
    address = reverse("conversations:question_keep", args=[kept.pk])
    for _twice in range(2):
        response = ben.post(address, {"keep": "1", "next": BANK + "?teil=1"})
        assert response["Location"] == f"{BANK}?teil=1#frage-bank-{kept.pk}"
    assert shown(page(ben, BANK + "?gemerkt=1")) == [f"bank-{kept.pk}"]
    row = ben.post(address, {"keep": "0"}, headers=HTMX).content.decode()
    assert shown(row) == [f"bank-{kept.pk}"] and 'value="1"' in row
    assert shown(page(ben, BANK + "?gemerkt=1")) == []
    assert ben.post(address, {"keep": "1", "next": "https://example.com/"})["Location"].startswith(BANK)
    assert ben.post("/fragen/999999/merken/", {"keep": "1"}).status_code == 404


def test_how_many_keep_a_question_is_told_from_three_on_and_never_who(
    world: SimpleNamespace, client_of: ClientOf
) -> None:
    kept = question()
    with as_owner():
        others = [make_companion(person(f"Viele{n}", world.kiel)) for n in range(3)]
    for number, user in enumerate(others, 1):
        client_of(user).post(reverse("conversations:question_keep", args=[kept.pk]), {"keep": "1"})
        several = "von mehreren gemerkt" in page(client_of(world.ben))
        assert several is (number >= 3)
        assert kept_by_several() == ({kept.pk: 3} if number >= 3 else {})
    body = page(client_of(world.mia), METHOD)
    assert str(kept) in body and "Viele" not in body
    for user in (world.mia, world.ben, world.dirk, world.carla):
        with rls.acting_as(user.pk):
            assert not Favourite.objects.exists()


# ── own questions ──────────────────────────────────────────────────────────


def test_an_own_question_is_written_changed_and_deleted(world: SimpleNamespace, client_of: ClientOf) -> None:
    ben, pk = client_of(world.ben), str(ids.new_id())
    for _twice in range(2):
        assert ben.post(OWN, {"id": pk, "text": "Was trägt Sie?", "part": "difficult"}).status_code == 302
    for wrong in ({"text": ""}, {"part": "x"}, {"text": "x" * 301}):
        bad = ben.post(OWN, {"id": str(ids.new_id()), "text": "Bleibt stehen?", "part": "1", **wrong})
        assert bad.status_code == 422 and ("Bleibt stehen?" in bad.content.decode() or "text" in wrong)
    with as_owner():
        assert b"Was tr" not in bytes(OwnQuestion.objects.get().text_sealed)
    assert shown(page(ben, BANK + "?q=tragt")) == [f"own-{pk}"] == shown(page(ben, BANK + "?eigene=1"))
    edit, delete = (reverse(f"conversations:own_question_{way}", args=[pk]) for way in ("edit", "delete"))
    assert ben.post(edit, {"version": 1, "text": "Was hält Sie?", "part": "1"}).status_code == 302
    stale = ben.post(edit, {"version": 1, "text": "Aus dem zweiten Fenster?", "part": "1"})
    body = stale.content.decode()
    assert stale.status_code == 412 and "Was hält Sie?" in body and "Aus dem zweiten Fenster?" in body
    assert "nicht rückgängig" in page(ben, delete) and OWN in ben.post(delete)["Location"]
    assert shown(page(ben, BANK + "?eigene=1")) == []


def test_own_questions_are_nobody_elses(world: SimpleNamespace, client_of: ClientOf, talk: Conversation) -> None:
    own = own_of(world.ben, "NUR-BENS?")
    with as_owner():
        other = make_companion(person("Olga", world.kiel))
    for user in (world.anna, world.carla, world.dirk, world.mia, other):
        with rls.acting_as(user.pk):
            assert not OwnQuestion.objects.exists() and not OwnQuestion.objects.filter(pk=own.pk).update(version=9)
    for name in ("own_question_edit", "own_question_delete", "question_propose"):
        assert client_of(other).post(reverse(f"conversations:{name}", args=[own.pk])).status_code == 404
    taken = client_of(world.anna).post(
        reverse("conversations:question_take", args=[talk.pk]), {"question": f"own-{own.pk}"}
    )
    assert taken.status_code == 404 and sheet_of(world.anna, talk) == ""


# ── into a talk ────────────────────────────────────────────────────────────


def test_a_question_goes_into_the_own_sheet_with_one_click(
    world: SimpleNamespace, client_of: ClientOf, talk: Conversation
) -> None:
    ben, wanted = client_of(world.ben), question("i12")
    prepare = reverse("conversations:prepare", args=[talk.pk])
    own = own_of(world.ben)
    body = page(ben, prepare)
    assert body.index("Gemerkte und eigene Fragen (1)") < body.index("Zum Ankommen (")
    for _twice in range(2):
        sent = {"before": "Ruhig bleiben.", "questions": sheet_of(world.ben, talk), "question": f"bank-{wanted.pk}"}
        assert ben.post(prepare, sent)["Location"] == prepare + "#fragen"
    assert sheet_of(world.ben, talk) == "Was könnten Sie weglassen?"
    assert "schon mitgenommen" in page(ben, prepare)
    take, drawer = (reverse(f"conversations:{name}", args=[talk.pk]) for name in ("question_take", "drawer"))
    assert "Was trägt Sie?" in page(ben, drawer)
    for _twice in range(2):
        answer = ben.post(take, {"question": f"own-{own.pk}"}, headers=HTMX).content.decode()
        assert 'id="mitgenommen"' in answer and "Was trägt Sie?" in answer
    assert sheet_of(world.ben, talk) == "Was könnten Sie weglassen?\nWas trägt Sie?"
    with as_owner():
        assert QuestionUse.objects.filter(owner=world.ben).count() == 2
    assert "schon mitgenommen" not in page(client_of(world.anna), prepare)


def test_without_javascript_the_bank_takes_a_question_along(
    world: SimpleNamespace, client_of: ClientOf, talk: Conversation
) -> None:
    ben, wanted = client_of(world.ben), question("i13")
    looking = f"{BANK}?gespraech={talk.pk}&q=nervos"
    take = reverse("conversations:question_take", args=[talk.pk])
    assert take in page(ben, looking)
    assert ben.post(take, {"question": f"bank-{wanted.pk}", "next": looking})["Location"] == looking
    assert "schon mitgenommen" in page(ben, looking) and sheet_of(world.ben, talk) == str(wanted)
    assert ben.post(take, {"question": f"bank-{wanted.pk}", "next": "//example.com"})["Location"].startswith("/gespr")
    with as_owner():
        other = make_companion(person("Olga", world.kiel))
    assert take not in page(client_of(other), looking)


def test_the_drawer_of_the_desk_is_fetched_when_opened_and_a_page_without_javascript(
    world: SimpleNamespace, client_of: ClientOf, talk: Conversation
) -> None:
    anna, ben, wanted = client_of(world.anna), client_of(world.ben), question()
    desk, drawer, take = (
        reverse(f"conversations:{name}", args=[talk.pk]) for name in ("desk", "drawer", "question_take")
    )
    assert f'hx-get="{drawer}"' in page(ben, desk) and f'<a href="{drawer}">' in page(ben, desk)
    assert take not in page(ben, desk), "a hundred questions in two languages weigh as much as the rest of the desk"
    whole, piece = page(ben, drawer), ben.get(drawer, headers=HTMX).content.decode()
    assert "<h1>" in whole and "<html" not in piece and piece.lstrip().startswith('<div class="stack" data-questions')
    for shown in (whole, piece, page(anna, drawer)):
        assert f'hx-post="{take}"' in shown and f'value="bank-{wanted.pk}"' in shown
    assert 'role="search"' in whole and re.search(r'role="search"[^>]* hidden>', page(anna, drawer)), "the bank itself"
    for stranger in (world.stranger, world.carla):
        assert client_of(stranger).get(drawer).status_code == 404


@pytest.mark.parametrize("ref", ["", "x", "bank-", "bank-x", "bank-9999999", "bank-²", "own-x", "bank-" + "9" * 30])
def test_a_forged_question_is_not_found(
    ref: str, world: SimpleNamespace, client_of: ClientOf, talk: Conversation
) -> None:
    ben = client_of(world.ben)
    assert ben.post(reverse("conversations:question_take", args=[talk.pk]), {"question": ref}).status_code == 404
    prepare = reverse("conversations:prepare", args=[talk.pk])
    assert ben.post(prepare, {"before": "", "questions": "Meine.", "question": ref}).status_code == 302
    assert sheet_of(world.ben, talk) == "Meine."
    stranger = client_of(world.stranger)
    forged = stranger.post(
        reverse("conversations:question_take", args=[talk.pk]), {"question": f"bank-{question().pk}"}
    )
    assert forged.status_code == 404


def test_uses_are_the_persons_alone_in_that_companionship_alone(
    world: SimpleNamespace, client_of: ClientOf, talk: Conversation
) -> None:
    used = question()
    client_of(world.ben).post(reverse("conversations:question_take", args=[talk.pk]), {"question": f"bank-{used.pk}"})
    for user in (world.anna, world.carla, world.dirk, world.mia, world.stranger):
        with rls.acting_as(user.pk):
            assert not QuestionUse.objects.exists()
    with rls.acting_as(world.ben.pk):
        assert QuestionUse.objects.count() == 1
    for user, engagement in ((world.stranger, talk.engagement_id), (world.carla, talk.engagement_id)):
        with pytest.raises(DatabaseError), transaction.atomic(), rls.acting_as(user.pk):
            QuestionUse.objects.create(owner=user, engagement_id=engagement, question=used)
    with pytest.raises(DatabaseError), transaction.atomic(), rls.acting_as(world.anna.pk):
        QuestionUse.objects.create(owner=world.ben, engagement_id=talk.engagement_id, question=used)


def test_uses_go_thirty_days_after_closing_and_answered_proposals_after_thirty_days(
    world: SimpleNamespace, client_of: ClientOf, talk: Conversation
) -> None:
    client_of(world.ben).post(
        reverse("conversations:question_take", args=[talk.pk]), {"question": f"bank-{question().pk}"}
    )
    with as_owner():
        gone = clock.now() - timedelta(days=31)
        Engagement.objects.filter(pk=talk.engagement_id).update(state="closed", closed_at=gone)
        QuestionProposal.objects.create(owner=world.ben, part="1", text_de="Alt?", answer="declined", decided_at=gone)
        QuestionProposal.objects.create(owner=world.ben, part="1", text_de="Offen?", proposed_at=gone)
    run_as_worker()
    with as_owner():
        assert not QuestionUse.objects.exists()
        assert [row.text_de for row in QuestionProposal.objects.all()] == ["Offen?"]


# ── proposals, and the method owner ────────────────────────────────────────


def propose(ben: Client, own: OwnQuestion, **also: str) -> Any:
    address = reverse("conversations:question_propose", args=[own.pk])
    return ben.post(address, {"text_de": "Was trägt Sie?", "text_en": "", "part": "difficult", **also})


def test_a_proposal_is_accepted_for_all_without_the_name(world: SimpleNamespace, client_of: ClientOf) -> None:
    ben, mia, own = client_of(world.ben), client_of(world.mia), own_of(world.ben)
    form = page(ben, reverse("conversations:question_propose", args=[own.pk]))
    assert "die Methodenverantwortung, mit Ihrem Namen, bis entschieden ist" in form and "Was trägt Sie?" in form
    assert propose(ben, own, text_de="", text_en="").status_code == 422
    for _twice in range(2):
        assert propose(ben, own).status_code == 302
    with as_owner():
        proposal = QuestionProposal.objects.get()
        [mail] = OutgoingMail.objects.filter(kind="question_proposed")
        assert mail.recipient_id == world.mia.pk and mail.facts == {"path": "/methode/"}
    assert "Ben Beispiel" in page(mia, METHOD) and "für alle vorgeschlagen" in page(mia, "/heute/")
    address = reverse("conversations:proposal", args=[proposal.pk])
    incomplete = mia.post(
        address, {"text_de": "Was trägt Sie gerade?", "text_en": "", "part": "difficult", "kinds": ALL_KINDS}
    )
    assert incomplete.status_code == 422 and "Was trägt Sie gerade?" in incomplete.content.decode()
    whole = {
        "text_de": "Was trägt Sie gerade?",
        "text_en": "What carries you right now?",
        "part": "difficult",
        "kinds": ALL_KINDS,
    }
    assert mia.post(address, whole).status_code == 302
    assert mia.post(address, whole).status_code == 404, "answered once"
    new = GuidingQuestion.objects.get(text_de="Was trägt Sie gerade?")
    assert new.part == "difficult" and "Ben Beispiel" not in page(mia, METHOD)
    assert str(new) in page(client_of(world.ben)) and "für alle übernommen" in page(ben, OWN)
    with as_owner():
        (mail,) = OutgoingMail.objects.filter(kind="question_answered")
        assert (mail.recipient_id, mail.facts) == (world.ben.pk, {"path": OWN})
        lines = AuditEvent.objects.filter(actor=world.mia).values_list("kind", flat=True).order_by("pk")
        assert list(lines) == ["question.written", "question.accepted"]
    with rls.acting_as(world.mia.pk):
        assert not QuestionProposal.objects.exists(), "decided: no longer the method owner's to see"


def test_a_proposal_is_declined_without_a_reason_or_taken_back(world: SimpleNamespace, client_of: ClientOf) -> None:
    ben, mia, number = client_of(world.ben), client_of(world.mia), GuidingQuestion.objects.count()
    propose(ben, own_of(world.ben))
    with as_owner():
        proposal = QuestionProposal.objects.get()
    assert mia.post(reverse("conversations:proposal", args=[proposal.pk]), {"decline": "1"}).status_code == 302
    assert "diesmal nicht übernommen" in page(ben, OWN) and GuidingQuestion.objects.count() == number
    propose(ben, own_of(world.ben))
    with as_owner():
        second = QuestionProposal.objects.get(answer="open")
    withdraw = reverse("conversations:proposal_withdraw", args=[second.pk])
    assert client_of(world.anna).post(withdraw).status_code == 403
    ben.post(withdraw)
    ben.post(reverse("conversations:proposal_withdraw", args=[proposal.pk]))
    with as_owner():
        assert [row.pk for row in QuestionProposal.objects.all()] == [proposal.pk], "an answer stays"


def test_proposals_are_read_by_their_writer_and_the_method_owner_alone(
    world: SimpleNamespace, client_of: ClientOf
) -> None:
    propose(client_of(world.ben), own_of(world.ben))
    seen = {}
    for user in (world.anna, world.ben, world.carla, world.dirk, world.eva, world.mia, world.stranger):
        with rls.acting_as(user.pk):
            seen[user.name.split()[0]] = QuestionProposal.objects.count()
    assert {name for name, number in seen.items() if number} == {"Ben", "Mia"}
    with as_owner():
        proposal = QuestionProposal.objects.get()
    for user in (world.anna, world.ben, world.dirk):
        with pytest.raises(ProgrammingError), transaction.atomic(), rls.acting_as(user.pk):
            method.answer(proposal=proposal, values=None, by=user)
    with pytest.raises(ProgrammingError), transaction.atomic(), rls.acting_as(world.anna.pk):
        QuestionProposal.objects.create(owner=world.anna, part="1", text_de="Keine Begleitung?")


def test_the_method_owner_writes_changes_and_lets_rest(world: SimpleNamespace, client_of: ClientOf) -> None:
    mia = client_of(world.mia)
    code = re.search(r'name="code" value="(m\w+)"', page(mia, reverse("conversations:question_create")))
    assert code
    new = {
        "code": code[1],
        "text_de": "Was ist neu?",
        "text_en": "What is new?",
        "part": "opening",
        "kinds": ["check_in"],
        "occasions": ["new_job"],
    }
    for _twice in range(2):
        assert mia.post(reverse("conversations:question_create"), new).status_code == 302
    row = GuidingQuestion.objects.get(text_de="Was ist neu?")
    assert (row.part, row.kinds, row.occasions) == ("opening", ["check_in"], ["new_job"])
    edit, rest = (reverse(f"conversations:question_{way}", args=[row.pk]) for way in ("edit", "rest"))
    assert mia.post(edit, whole(row, text_de="Was ist anders?")).status_code == 302
    stale = mia.post(edit, whole(row, text_de="Zu spät?"))
    assert (
        stale.status_code == 412
        and "Was ist anders?" in stale.content.decode()
        and "Zu spät?" in stale.content.decode()
    )
    for wrong in (
        {"text_en": ""},
        {"part": "9"},
        {"kinds": []},
        {"kinds": ["x"]},
        {"occasions": ["x"]},
        {"text_de": "x" * 301},
    ):
        assert mia.post(edit, whole(row, version=2, **wrong)).status_code == 422, wrong
    for _twice in range(2):
        mia.post(rest, {"rest": "1"})
    assert "Was ist anders?" not in page(client_of(world.ben)) and "Was ist anders?" in page(mia, METHOD)
    mia.post(rest, {"rest": "0"})
    assert "Was ist anders?" in page(client_of(world.ben))
    with as_owner():
        kinds = list(AuditEvent.objects.filter(actor=world.mia).values_list("kind", flat=True).order_by("pk"))
    assert kinds == ["question.written", "question.changed", "question.retired", "question.revived"]


def test_the_database_lets_only_the_method_owner_write_questions(world: SimpleNamespace) -> None:
    for user in (world.anna, world.ben, world.carla, world.dirk):
        with rls.acting_as(user.pk):
            assert not GuidingQuestion.objects.filter(code="c01").update(is_active=False)
        with pytest.raises(ProgrammingError), transaction.atomic(), rls.acting_as(user.pk):
            GuidingQuestion.objects.create(code="x", part="1", text_de="x", text_en="x")
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM conversations_guidingquestion WHERE NOT is_active")
        assert cursor.fetchone() == (0,)


# ── as often for three rows as for one ─────────────────────────────────────


def test_questions_ask_as_often_for_three_rows_as_for_one(
    world: SimpleNamespace, client_of: ClientOf, assert_same_queries: Same, talk: Conversation
) -> None:
    def add(number: int) -> None:
        own = own_of(world.ben, f"Nummer {number}?")
        kept = GuidingQuestion.objects.all()[number]
        with as_owner():
            Favourite.objects.create(owner=world.ben, question=kept)
            QuestionUse.objects.create(owner=world.ben, engagement_id=talk.engagement_id, own_question=own)
            QuestionProposal.objects.create(owner=world.ben, part="1", text_de=f"Vorschlag {number}?")

    ben, mia = client_of(world.ben), client_of(world.mia)
    pages = {"conversations:questions": ben, "conversations:own_questions": ben, "conversations:method": mia}

    def get_all() -> Any:
        for name, client in pages.items():
            page(client, reverse(name))
        page(ben, f"{BANK}?gespraech={talk.pk}")
        page(ben, reverse("conversations:prepare", args=[talk.pk]))
        page(ben, reverse("conversations:drawer", args=[talk.pk]))
        return ben.get(reverse("conversations:desk", args=[talk.pk]))

    assert_same_queries(get_all, add, most=200)
