"""The bond between a form and its drafts: what an unsent form looked like stands in it again when its page is opened.

A page says where its form lives and whose it is in a signed line (`draft_token`), so that what arrives after the
session has ended, or with a token that has become too old, is kept for the person who typed it and for nobody else.
"""

from __future__ import annotations

import base64
import binascii
import json
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django import forms
from django.core import signing
from django.db.models import Q
from django.http import HttpRequest, QueryDict
from django.utils.dateparse import parse_datetime

from lernbegleitung import clock, ids, rls, vault

from .actions import drafts as actions
from .actions.drafts import Page
from .drafts import Draft, Values
from .people import User

SIGNER = signing.Signer(salt="accounts.drafting")
OWN_FIELDS = (
    "csrfmiddlewaretoken",
    "draft",
    "draft_token",
    "draft_from",
    "draft_seen",
    "id",
    "version",
    "save",
    "ticket",
    "seen",
)
KEPT_FOR_LOGIN = timedelta(hours=12)
Form = TypeVar("Form", bound=forms.Form)


@dataclass(frozen=True)
class Other:
    """A draft of another window or device: its words by the labels of the form."""

    draft: Draft
    texts: list[tuple[Any, str]]


@dataclass(frozen=True)
class Drafting:
    """What the template needs: the hidden fields, the draft that stands in the form, what else there is."""

    pk: uuid.UUID
    token: str
    taken: Draft | None = None
    stored: list[tuple[Any, str]] = field(default_factory=list)
    others: list[Other] = field(default_factory=list)


def token_of(user: User, place: str) -> str:
    """Whose page this is and where; the same for the same person and place."""
    return SIGNER.sign_object([user.pk, place])


def new_page(user: User, place: str) -> Drafting:
    """For a form written by hand that shows no draft, but keeps what is typed."""
    return Drafting(ids.new_id(), token_of(user, place))


def with_draft(form: Form, request: HttpRequest, *, place: str = "") -> Form:
    """Let the form keep what is typed; an unsent draft of this place stands in it, and what is stored stands beside."""
    place = (place or request.path)[:200]
    user: Any = request.user
    if form.is_bound:
        sent_by = page_of(request)
        form.drafting = Drafting(sent_by.pk if sent_by else ids.new_id(), token_of(user, place))  # type: ignore[attr-defined]
        return form
    rows = [row for row in _drafts_of(user, place.partition("#")[0]) if row.place == place][:5]
    taken = next((row for row in rows if str(row.pk) == request.GET.get("entwurf")), rows[0] if rows else None)
    stored = _stand_in(form, taken) if taken else []
    others = [Other(row, _texts(form, row.typed())) for row in rows if taken and row.typed() != taken.typed()]
    form.drafting = Drafting(ids.new_id(), token_of(user, place), taken, stored, others)  # type: ignore[attr-defined]
    return form


def _drafts_of(user: User, page: str) -> list[Draft]:
    """Those of all forms of a page, whose places differ after a "#"; asked for once in a request."""
    known = rls.memory()
    if ("drafts", user.pk, page) not in known:
        rows = Draft.objects.filter(Q(place=page) | Q(place__startswith=f"{page}#"), owner=user)
        known["drafts", user.pk, page] = list(rows[:50])
        for row in known["drafts", user.pk, page]:
            row.owner = user
    return known["drafts", user.pk, page]


def _stand_in(form: forms.Form, draft: Draft) -> list[tuple[Any, str]]:
    """Put the draft into the form. What is stored meanwhile, by label, when it is another version than the draft's."""
    values = draft.typed()
    changed = draft.base != int(form.initial.get("version") or 0)
    stored = {name: [str(form.initial.get(name) or "")] for name in form.fields}
    for name, box in form.fields.items():
        if name not in OWN_FIELDS:
            form.initial[name] = _initial(box, values.get(name, []))
    form._bound_fields_cache.clear()  # type: ignore[attr-defined]
    if not changed:
        return []
    return [(label, text) for label, text in _texts(form, stored) if text not in values.values()]


def _initial(box: forms.Field, sent: list[str]) -> Any:
    if isinstance(box, forms.BooleanField):
        return bool(sent)
    if isinstance(box, forms.MultipleChoiceField):
        return sent
    return sent[-1] if sent else ""


def _texts(form: forms.Form, values: Values) -> list[tuple[Any, str]]:
    """The words among the values, by label."""
    words = [(name, box) for name, box in form.fields.items() if isinstance(box.widget, forms.Textarea)]
    return [(box.label, values[name][-1]) for name, box in words if any(values.get(name, []))]


def page_of(request: HttpRequest) -> Page | None:
    """The page that was sent, if it is one of the person who asks; None for a form without drafts, or a forged one."""
    owner, page = _read(request.POST)
    return page if page and owner == request.user.pk else None


def _read(sent: QueryDict) -> tuple[int | None, Page | None]:
    try:
        owner, place = SIGNER.unsign_object(sent.get("draft_token", ""))
        pk = uuid.UUID(sent.get("draft", ""))
    except (signing.BadSignature, ValueError, TypeError):
        return None, None
    former = _uuid(sent.get("draft_from", ""))
    version = sent.get("version", "")
    base = int(version) if version.isascii() and version.isdigit() and len(version) < 9 else 0
    return owner, Page(pk, place, base, former, _moment(sent.get("draft_seen", "")))


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def _moment(text: str) -> datetime | None:
    try:
        moment = parse_datetime(text)
    except ValueError:
        return None
    return moment if moment and moment.tzinfo else None


def values_of(sent: QueryDict) -> Values:
    """What was typed, without what belongs to the page."""
    return {name: [text.replace("\0", "") for text in texts] for name, texts in sent.lists() if name not in OWN_FIELDS}


def done(request: HttpRequest) -> None:
    """What was sent is stored: its draft is no longer needed. Called where a form has done its work."""
    if page := page_of(request):
        actions.sent(page=page, by=request.user)  # type: ignore[arg-type]


# ── through the login ──────────────────────────────────────────────────────


def held(request: HttpRequest) -> str:
    """What was sent by somebody no longer signed in, sealed for that person, to travel through the login page; or ""."""
    owner, page = _read(request.POST)
    if not page:
        return ""
    parcel = {
        "owner": owner, "place": page.place, "draft": str(page.pk), "base": page.base,
        "values": values_of(request.POST), "at": clock.now().isoformat(),
    }  # fmt: skip
    text = json.dumps(parcel).encode()
    if len(text) > actions.LONGEST * 2:
        return ""
    master, sealed = vault.keyring().wrap("held draft", text)
    return f"{master}:{base64.urlsafe_b64encode(sealed).decode()}"


def place_of_held(request: HttpRequest) -> str:
    """Where the person was."""
    page = _read(request.POST)[1]
    return page.place if page else "/"


def take_up(parcel: str, user: User) -> bool:
    """Keep what came through the login as a draft, if it is this person's and not too old."""
    master, _colon, sealed = parcel.partition(":")
    try:
        opened = json.loads(vault.keyring().unwrap(master, "held draft", base64.urlsafe_b64decode(sealed)))
    except (vault.CannotOpen, binascii.Error, ValueError):
        return False
    if opened["owner"] != user.pk or datetime.fromisoformat(opened["at"]) < clock.now() - KEPT_FOR_LOGIN:
        return False
    page = Page(uuid.UUID(opened["draft"]), opened["place"], opened["base"])
    with rls.acting_as(user.pk):
        try:
            return actions.keep(page=page, values=opened["values"], by=user) is not None
        except actions.TooLong:
            return False
