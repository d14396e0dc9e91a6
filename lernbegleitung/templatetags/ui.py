"""The components that need a little arithmetic: icons, dates in words, places, the journey, who sees this."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache, lru_cache
from typing import Any

from django import template
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.utils import formats, timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext, ngettext

from lernbegleitung import audience, clock, typefaces

register = template.Library()
SELECTED = SafeString(" selected")


@register.simple_tag
def icon(name: str, title: str = "") -> SafeString:
    """An icon of our sprite: silent beside words, named when alone."""
    if title:
        return format_html(
            '<svg class="icon" role="img" aria-label="{}"><use href="{}"/></svg>', title, _place_of(name)
        )
    return _silent(name)


def _place_of(name: str) -> str:
    return f"{static('img/icons.svg')}#{name}"


@cache
def _silent(name: str) -> SafeString:
    return format_html('<svg class="icon" aria-hidden="true"><use href="{}"/></svg>', _place_of(name))


@register.filter
def since(days: int) -> str:
    """Since when, in full days: "seit heute", "seit 3 Tagen"."""
    return ngettext("seit %(n)s Tag", "seit %(n)s Tagen", days) % {"n": days} if days else gettext("seit heute")


@register.simple_tag
def options(pairs: Iterable[tuple[str, Any]], chosen: str) -> SafeString:
    """The options of a select as (value, words): an organisation has hundreds of agencies.

    Each is kept in memory: for what the house says itself, never for persons or their words.
    """
    return SafeString("".join(_option(value, str(words), value == chosen) for value, words in pairs))


@lru_cache(4096, typed=True)
def _option(value: str, words: str, chosen: bool) -> SafeString:
    return format_html('<option value="{}"{}>{}</option>', value, SELECTED if chosen else "", words)


@register.simple_tag
def fonts() -> SafeString:
    """Fetch the two typefaces at once, if the build installed them; their rules are part of the style sheet (typefaces.py)."""
    if not settings.FONTS.is_dir():
        return format_html("{}", "")
    files = [(static(f"fonts/{face}/files/{face}-latin-wght-normal.woff2"),) for face in typefaces.FACES]
    return format_html_join("\n  ", '<link rel="preload" href="{}" as="font" type="font/woff2" crossorigin>', files)


@register.simple_tag
def qr_code(svg: str) -> SafeString:
    """The picture of a QR code as allauth's adapter draws it: only its path, so that nothing else comes along."""
    path = re.search(r'<path d="([MHVLZmhvlz0-9., ]+)"', svg)
    box = re.search(r'viewBox="([0-9. ]+)"', svg)
    return format_html(
        '<svg role="img" aria-label="{}" viewBox="{}"><path d="{}"/></svg>',
        gettext("QR-Code für Ihre App"),
        box[1] if box else "",
        path[1] if path else "",
    )


def _date_pattern(style: str) -> str:
    """Django's date format for the reader's language: long "Dienstag, 1. Dezember", day "1. Dezember 2026", short."""
    english = (get_language() or "de").startswith("en")
    patterns = {
        "long": ("l, j F", "l, j. F"),
        "day": ("j F Y", "j. F Y"),
        "short": ("D, j M", "D, j. N"),
        "month": ("M", "M"),
    }
    return patterns[style][0 if english else 1]


@register.simple_tag
def when(value: date | datetime | None, style: str = "long") -> str:
    """A day, or a day and a time, in the reader's language: `{% when step.due_on %}`, `{% when at "short" %}`."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        local = timezone.localtime(value)
        words = {"day": _in_words(local.date(), style, get_language()), "time": clock_time(local)}
        return gettext("%(day)s, %(time)s") % words
    return _in_words(value, style, get_language())


@register.simple_tag
def day(value: date | datetime | None, style: str = "long") -> str:
    """Only the day of a date or a moment."""
    if value is None:
        return ""
    local = timezone.localtime(value).date() if isinstance(value, datetime) else value
    return _in_words(local, style, get_language())


@lru_cache(4096)  # people look at the days around today
def _in_words(value: date, style: str, _language: str | None) -> str:
    return formats.date_format(value, _date_pattern(style))


def clock_time(local: datetime) -> str:
    """A time of day: "10:00 Uhr", "10:00"."""
    return gettext("%(time)s Uhr") % {"time": f"{local:%H:%M}"}


@register.simple_tag
def span(starts: datetime, ends: datetime) -> str:
    """From one time to another: "10:00 bis 11:00 Uhr"."""
    words = {"from": f"{timezone.localtime(starts):%H:%M}", "to": f"{timezone.localtime(ends):%H:%M}"}
    return gettext("%(from)s bis %(to)s Uhr") % words


@register.filter
def days_since(value: datetime) -> int:
    """Full days that have passed since then."""
    return (clock.now() - value).days


@register.simple_tag
def days_from_now(value: date | datetime) -> str:
    """How far away a day is, in words, without judging what is past."""
    target = timezone.localtime(value).date() if isinstance(value, datetime) else value
    distance = (target - clock.today()).days
    if distance == 0:
        return gettext("heute")
    if distance == 1:
        return gettext("morgen")
    if distance == -1:
        return gettext("gestern")
    if distance > 0:
        return ngettext("in %(n)d Tag", "in %(n)d Tagen", distance) % {"n": distance}
    return ngettext("vor %(n)d Tag", "vor %(n)d Tagen", -distance) % {"n": -distance}


@register.simple_tag
def described(field: Any) -> SafeString:
    """` aria-describedby="…"` for a group of choices: its help and its error."""
    ids = [f"{field.auto_id}_helptext"] if field.help_text else []
    ids += [f"{field.auto_id}_error"] if field.errors else []
    return format_html(' aria-describedby="{}"', " ".join(ids)) if ids else format_html("{}", "")


@register.inclusion_tag("components/who_sees.html")
def who_sees(text: str, kind: str = "coordination") -> dict[str, str]:
    """What the coordination and others see beside content; for an item or a field itself use `read_by`."""
    return {"text": text, "kind": kind, "icon": {"private": "lock", "shared": "people"}.get(kind, "info")}


@register.inclusion_tag("components/who_sees.html", takes_context=True)
def read_by(context: Any, item: Any) -> dict[str, str]:
    """Who reads this item, in a sentence with names, from the declaration that also made the policy."""
    readers, viewer = audience.readers_of(item), context["request"].user
    return who_sees(readers.sentence(viewer), readers.kind(viewer))


@register.simple_tag(takes_context=True)
def read_tag(context: Any, item: Any) -> SafeString:
    """Who reads this item, in two or three words, for lists."""
    readers, viewer = audience.readers_of(item), context["request"].user
    colour, sign = ("plum", "lock") if readers.kind(viewer) == "private" else ("spruce", "people")
    words = gettext("Das lesen"), readers.tag(viewer)
    return format_html('<span class="tag tag-{}">{}<span class="sr">{} </span>{}</span>', colour, icon(sign), *words)


@register.inclusion_tag("components/field_readers.html", takes_context=True)
def would_read(context: Any, item: Any, field_id: str) -> dict[str, Any]:
    """The same below a field written by hand: `{% would_read entry "id_text" %}`."""
    return {"seen": audience.readers_of(item).field(context["request"].user), "field_id": field_id}


@register.inclusion_tag("components/field_readers.html")
def field_readers(field: Any) -> dict[str, Any]:
    """Who reads what is written into this field of a form; a content field that does not know is a mistake of ours."""
    if not isinstance(field.field, audience.OwnWords):
        return {"seen": None}
    if not hasattr(field.field, "seen"):
        raise ImproperlyConfigured(f"{field.form.__class__.__name__}.{field.name}: call audience.show_readers")
    return {"seen": field.field.seen, "field_id": field.auto_id}


@register.inclusion_tag("components/day_tile.html")
def day_tile(value: date | datetime) -> dict[str, Any]:
    """A leaf of a calendar; decoration, the date stands beside it in words."""
    local = timezone.localtime(value) if isinstance(value, datetime) else value
    return {"month": formats.date_format(local, "M"), "number": local.day, "weekday": formats.date_format(local, "D")}


@register.simple_tag
def places(taken: int, held: int, capacity: int) -> SafeString:
    """Capacity as countable places: taken, held, free, and beyond the limit."""
    return _places(taken, held, capacity, get_language())


@lru_cache(1024)  # most companions have room for a few
def _places(taken: int, held: int, capacity: int, _language: str | None) -> SafeString:
    kinds = (["taken"] * taken + ["held"] * held)[:capacity]
    over = max(0, taken + held - capacity)
    kinds += ["over"] * over + ["free"] * (capacity - len(kinds))
    drawn = {
        "marks": [{"x": 18 * number, "kind": kind} for number, kind in enumerate(kinds)],
        "width": max(14, 18 * len(kinds) - 4),
        "taken": taken,
        "held": held,
        "capacity": capacity,
        "free": max(0, capacity - taken - held),
        "over": over,
    }
    return render_to_string("components/places.html", drawn)


@dataclass(frozen=True)
class Station:
    """A stop of the journey: state is done, next or later."""

    state: str
    title: str
    when: str
    what: str = ""


WIDTH, BASE, TOP = 1000, 62, 16


@register.inclusion_tag("components/journey.html")
def journey(stations: list[Station]) -> dict[str, Any]:
    """The two lines: the learner walks straight on, the companion swings along and touches at every talk."""
    return {"stations": stations, "lines": _lines(tuple(station.state for station in stations), get_language())}


@lru_cache(1024)
def _lines(states: tuple[str, ...], _language: str | None) -> SafeString:
    step = WIDTH / max(1, len(states))
    xs = [round(step * (number + 0.5)) for number in range(len(states))]
    done = [x for x, state in zip(xs, states, strict=True) if state == "done"]
    reached = done[-1] if done else xs[0] if xs else 0
    today = round(reached + step * 0.5) if len(done) < len(states) and done else reached
    arcs = [
        {
            "d": f"M{a} {BASE} C{round(a + step * 0.18)} {TOP}, {round(b - step * 0.18)} {TOP}, {b} {BASE}",
            "ahead": (a + b) / 2 > today,
        }
        for a, b in zip(xs, xs[1:], strict=False)
    ]
    drawn = {
        "stops": [{"x": x, "state": state} for x, state in zip(xs, states, strict=True)],
        "arcs": arcs,
        "first": xs[0] if xs else 0,
        "last": xs[-1] if xs else 0,
        "today": today,
        "width": WIDTH,
        "base": BASE,
    }
    return render_to_string("components/journey_lines.html", drawn)


@register.filter
def with_pages(lines: list[str], pages: tuple[str, ...]) -> list[tuple[str, str]]:
    """Each line with the page at the same place: `{% for line, page in lines|with_pages:pages %}`."""
    return list(zip(lines, pages, strict=True))
