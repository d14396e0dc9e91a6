"""A line of a draft in words: why nobody was found, and what would help. Plain functions of values; no queries."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from django.utils import formats
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from .companions import Format
from .engagement import Engagement


def wishes_in_words(engagement: Engagement) -> str:
    """What narrows a request down: "Video und Englisch"; empty when nothing does."""
    words = {Format.ON_SITE: _("Treffen vor Ort"), Format.VIDEO: _("Video"), Format.PHONE: _("Telefon")}
    found = [words[Format(engagement.format)]] if engagement.format in words else []
    if engagement.spoken != "de":
        found.append(engagement.get_spoken_display())  # type: ignore[attr-defined]
    if engagement.wish == Engagement.Wish.ELSEWHERE:
        found.append(_("anderer Dienststelle"))
    if engagement.needs:
        found.append(_("passender Einrichtung der Treffen"))
    *first, last = found or [""]
    return _("%(first)s und %(last)s") % {"first": ", ".join(first), "last": last} if first else last


def nobody(engagement: Engagement) -> str:
    """That there is nobody, with the wishes that narrow it down."""
    if wishes := wishes_in_words(engagement):
        return _("Niemand mit %(wishes)s hat gerade einen freien Platz.") % {"wishes": wishes}
    return _("Niemand, der passt, hat gerade einen freien Platz.")


def _day(value: str) -> str:
    return formats.date_format(date.fromisoformat(value), "DATE_FORMAT")


def _lost() -> str:
    return _("Wen Sie behalten wollten, ist nicht mehr möglich.")


def _none() -> str:
    return _("Auch ohne einen der Wünsche wäre gerade niemand möglich.")


def _taken(n: int) -> str:
    return ngettext(
        "Eine Person passt. Ihre Plätze sind für andere vorgesehen.",
        "%(n)s Personen passen. Ihre Plätze sind für andere vorgesehen.",
        n,
    ) % {"n": n}


def _quota() -> str:
    return _(
        "Das Programm hat in dieser Region gerade alle seine Plätze vergeben. Die Anfrage wartet, bis einer frei wird."
    )


def _full(n: int) -> str:
    return ngettext(
        "Eine Person passt, hat aber keinen freien Platz.", "%(n)s Personen passen, haben aber keinen freien Platz.", n
    ) % {"n": n}


def _back(day: str) -> str:
    return _("Ab %(day)s ist eine Person zurück, die passt.") % {"day": _day(day)}


def _format(n: int) -> str:
    return ngettext(
        "Mit einer anderen Art von Treffen wäre eine Person möglich.",
        "Mit einer anderen Art von Treffen wären %(n)s Personen möglich.",
        n,
    ) % {"n": n}


def _language(n: int) -> str:
    return ngettext(
        "In einer anderen Sprache wäre eine Person möglich.",
        "In einer anderen Sprache wären %(n)s Personen möglich.",
        n,
    ) % {"n": n}


def _agency(n: int) -> str:
    return ngettext(
        "Aus derselben Dienststelle wäre eine Person möglich.",
        "Aus derselben Dienststelle wären %(n)s Personen möglich.",
        n,
    ) % {"n": n}


def _trainee(n: int) -> str:
    return ngettext(
        "Mit einer Begleitung in Ausbildung wäre eine Person möglich.",
        "Mit einer Begleitung in Ausbildung wären %(n)s Personen möglich.",
        n,
    ) % {"n": n}


def _settings(n: int) -> str:
    return ngettext(
        "Wenn sich die Treffen anders einrichten lassen (Raum, Dolmetschen), wäre eine Person möglich.",
        "Wenn sich die Treffen anders einrichten lassen (Raum, Dolmetschen), wären %(n)s Personen möglich.",
        n,
    ) % {"n": n}


WORDS: dict[str, Callable[..., str]] = {
    "lost": _lost, "none": _none, "quota": _quota, "taken": _taken, "full": _full, "back": _back, "format": _format,
    "language": _language, "agency": _agency, "trainee": _trainee, "settings": _settings,
}  # fmt: skip


def why_in_words(engagement: Engagement, why: list[list[Any]], *, somebody: bool) -> list[str]:
    """The sentences of a line: first that there is nobody (unless they all are promised to others), then what is known."""
    sentences = [WORDS[code](*values) for code, *values in why if code in WORDS]
    if somebody or any(code in ("taken", "quota") for code, *_values in why):
        return sentences
    if not why:
        return [_("Noch nicht besetzt. Beim Neuberechnen wird jemand gesucht.")]
    return [nobody(engagement), *sentences]
