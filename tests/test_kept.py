"""Statements and parts of templates that are worked out once say the same as those made anew each time."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.db.models import Q, QuerySet
from django.http import Http404
from django.middleware.csrf import _does_token_match
from django.template import Context, Engine, RequestContext, engines
from django.templatetags.static import static
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import NoReverseMatch, reverse
from django.utils import timezone, translation

from accounts.models import User
from engagements.models import Engagement
from engagements.states import State
from lernbegleitung import clock, kept
from lernbegleitung.kept import first, first_or_404

from .conftest import as_owner
from .test_authorisation import ROUTES

pytestmark = pytest.mark.django_db


@kept.kept
def of_pair(user_id: int, ids: list[uuid.UUID]) -> QuerySet[Engagement]:
    pair = Q(learner=user_id) | Q(companion=user_id)
    rows = Engagement.objects.filter(pair, pk__any_of=ids, state=State.ACTIVE)
    return rows.select_related("learner__agency").order_by("-created_at")[:2]


def test_the_same_rows_for_each_value(world: SimpleNamespace, engagement_in: Callable[..., Engagement]) -> None:
    one = engagement_in(State.ACTIVE)
    with as_owner():
        assert of_pair(world.anna.pk, [one.pk]) == of_pair(world.ben.pk, [one.pk]) == [one]
        assert of_pair(world.carla.pk, [one.pk]) == of_pair(world.anna.pk, []) == []
        with CaptureQueriesContext(connection) as asked:
            (found,) = of_pair(world.anna.pk, [one.pk])
            assert found.learner.agency.name == world.anna.agency.name  # fetched along
        assert len(asked) == 1


def test_the_statement_is_made_once(world: SimpleNamespace) -> None:
    made = []

    @kept.kept
    def people(pk: int) -> QuerySet[User, Any]:
        made.append(pk)
        return User.objects.filter(pk=pk).values_list("email", flat=True)

    with as_owner():
        assert [people(world.anna.pk), people(world.ben.pk)] == [[world.anna.email], [world.ben.email]]
        assert len(made) == 1
        kept.forget()
        assert people(world.anna.pk) == [world.anna.email] and len(made) == 2


def test_a_statement_that_would_keep_its_moment_is_refused() -> None:
    @kept.kept
    def lately() -> QuerySet[Engagement]:
        return Engagement.objects.filter(created_at__gt=clock.now() - timedelta(days=1))

    with pytest.raises(TypeError, match="lately would keep the moment"):
        lately()


def test_what_never_changes_is_written_out_as_the_database_reads_it() -> None:
    """Quotes, percent signs and bytes as they are; what is a slot stays one."""
    constants = ["O'Neil\\", "5 %", "%s", State.ACTIVE, 7, -1, True, None, b"\x00'", [1, 2], uuid.UUID(int=5)]
    written = kept._written_out("SELECT 4 %% 3, " + ", ".join(["%s"] * 12), [*constants, kept.Slot(0)])
    with connection.cursor() as cursor:
        cursor.execute(written, ["a value"])
        (found,) = cursor.fetchall()
    assert [bytes(value) if isinstance(value, memoryview) else value for value in found] == [1, *constants, "a value"]


def test_first() -> None:
    assert (first([]), first([3, 4]), first_or_404([5])) == (None, 3, 5)
    with pytest.raises(Http404):
        first_or_404([])


@pytest.mark.django_db(transaction=True)
def test_each_thread_asks_over_its_own_connection(world: SimpleNamespace) -> None:
    @kept.kept
    def mail(pk: int) -> QuerySet[User, Any]:
        return User.objects.filter(pk=pk).values_list("email", flat=True)

    def ask(person: User) -> bool:
        try:
            with as_owner():
                return all(mail(person.pk) == [person.email] for _time in range(50))
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(ask, [world.anna, world.ben, world.carla, world.anna]))


def rendered(text: str, **values: Any) -> str:
    return engines["django"].engine.from_string(text).render(Context(values))


def test_words_by_language() -> None:
    tags = engines["django"].engine.from_string('{% translate "Abmelden" %} {% translate word %} {% translate "Heute" as w %}{{ w }}')  # fmt: skip
    for language, words in (
        ("de", "Abmelden Heute Heute"),
        ("en", "Sign out Today Today"),
        ("de", "Abmelden Heute Heute"),
    ):
        with translation.override(language):
            assert tags.render(Context({"word": "Heute"})) == words


@pytest.mark.parametrize("language", ["de", "en"])
def test_sentences_are_those_of_django(language: str) -> None:
    """With values by name and from around, of one and many, trimmed, escaped, kept for later, with a percent sign."""
    sentences = (
        "{% blocktranslate with title=what %}Erledigt: {{ title }}{% endblocktranslate %}",
        "{% blocktranslate %}{{ free }} frei{% endblocktranslate %}",
        "{% blocktranslate %}{{ nobody_knows }} frei{% endblocktranslate %}",
        "{% blocktranslate count n=free trimmed %}\n {{ n }} offene Anfrage\n{% plural %}{{ n }} offene Anfragen{% endblocktranslate %}",
        "{% blocktranslate count n=one with what=what %}{{ n }} % {{ what }}{% plural %}{{ n }} %% {{ what }}{% endblocktranslate %}",
        "{% blocktranslate count n=k with k=one %}{{ n }} eine{% plural %}{{ n }} mehrere{% endblocktranslate %}",
        "{% blocktranslate asvar words %}{{ free }} frei{% endblocktranslate %}-{{ words }}",
        "{% autoescape off %}{% blocktranslate with title=what %}Erledigt: {{ title }}{% endblocktranslate %}{% endautoescape %}",
    )
    values = {"what": "<b>Zuhören & fragen</b>", "free": 1234, "one": 1}
    for sentence in sentences:
        ours = engines["django"].engine.from_string(sentence)
        theirs = Engine(builtins=["django.templatetags.i18n"]).from_string(sentence)
        with translation.override(language):
            expected = theirs.render(Context(values))
            assert [ours.render(Context(values)) for _time in range(2)] == [expected, expected]
        with translation.override("en" if language == "de" else "de"):
            assert ours.render(Context(values)) == theirs.render(Context(values))


def test_addresses_are_those_of_django() -> None:
    """Every address of the project that has no parameter, or an id."""
    thing, compared = uuid.uuid4(), 0
    for name in ROUTES:
        for values in ([], [thing]):
            try:
                expected = reverse(name, args=values)
            except NoReverseMatch:
                continue
            tag = engines["django"].engine.from_string(f"{{% url '{name}' {'pk' if values else ''} %}}")
            assert [tag.render(Context({"pk": thing})) for _time in range(2)] == [expected, expected]
            kept_for_later = f"{{% url '{name}' {'pk' if values else ''} as here %}}-{{{{ here }}}}"
            assert rendered(kept_for_later, pk=thing) == f"-{expected}"
            compared += 1
    assert compared > 150


def test_an_address_of_another_kind_of_parameter_is_worked_out() -> None:
    tag = engines["django"].engine.from_string("{% url 'accounts:person' pk %}")
    assert [tag.render(Context({"pk": pk})) for pk in (7, 8)] == [reverse("accounts:person", args=[n]) for n in (7, 8)]
    with pytest.raises(NoReverseMatch):
        rendered("{% url 'accounts:nowhere' %}")
    assert rendered("{% url 'accounts:nowhere' as here %}-{{ here }}") == "-"


def test_all_forms_of_a_page_have_its_field_and_another_page_its_own(rf: RequestFactory) -> None:
    two = engines["django"].engine.from_string("{% csrf_token %} {% csrf_token %}")
    request = rf.get("/")
    pages = [two.render(RequestContext(request, {})).split(" <") for _page in range(2)]
    for first_field, second_field in pages:
        assert first_field == f"<{second_field}"
        sent = re.search(r'value="(\w{64})"', first_field)
        assert sent and _does_token_match(sent[1], request.META["CSRF_COOKIE"])
    assert pages[0] != pages[1], "masked anew"
    assert rendered("{% csrf_token %}") == ""


def test_files_and_days_are_said_as_django_says_them() -> None:
    for name in ("img/mark.svg", "img/icons.svg"):
        assert {rendered(f'{{% static "{name}" %}}'), rendered("{% static name %}", name=name)} == {static(name)}
    late = datetime(2026, 12, 1, 23, 30, tzinfo=UTC)  # in Berlin it is the second already
    for language, words in (("de", "Mittwoch, 2. Dezember"), ("en", "Wednesday, 2 December")):
        with translation.override(language):
            assert [rendered("{% day at %}", at=at) for at in (late, date(2026, 12, 2))] == [words, words]
    with translation.override("de"), timezone.override("America/New_York"):
        assert rendered('{% day at %}, {% day at "short" %}', at=late) == "Dienstag, 1. Dezember, Di, 1. Dez."


def test_icons_and_who_reads_are_as_drawn_from_the_template() -> None:
    silent, named = rendered('{% icon "lock" %}'), rendered('{% icon "lock" title %}', title="<Nur ich>")
    assert silent == rendered("{% icon name %}", name="lock") and 'aria-hidden="true"' in silent
    assert 'aria-label="&lt;Nur ich&gt;"' in named
