"""Data keys: one per engagement and one per person, wrapped by the master key. Deleting one ends its texts."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Iterable
from typing import Any

from django.db import models
from django.db.models import Func, OuterRef, Q, QuerySet, Subquery, TextField, Value
from django.db.models.functions import JSONObject
from django.utils.translation import gettext_lazy as _

from lernbegleitung import clock, ids, rls, vault
from lernbegleitung.kept import first, kept


class DataKey(models.Model):
    """A wrapped key. `owner` is set for a person's own key; an engagement's key has the engagement's id."""

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    owner = models.OneToOneField("accounts.User", models.CASCADE, null=True, blank=True, related_name="data_key")
    master = models.CharField(max_length=40)
    wrapped = models.BinaryField()
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        verbose_name = _("Datenschlüssel")
        constraints = [models.CheckConstraint(condition=~Q(wrapped=b""), name="data_key_not_empty")]

    def __str__(self) -> str:
        return str(self.pk)


def create_key(key_id: uuid.UUID, *, owner_id: int | None = None) -> bytes:
    """Make the key of an engagement or a person, store it wrapped, and have it open for this request."""
    key = vault.new_data_key()
    master, wrapped = vault.keyring().wrap(str(key_id), key)
    DataKey.objects.create(pk=key_id, owner_id=owner_id, master=master, wrapped=wrapped)
    rls.memory()["key", key_id] = key
    return key


def open_key(key_id: uuid.UUID) -> bytes:
    """The data key, unwrapped once per request; raises CannotOpen for everybody the database does not show it to."""
    load_keys([key_id])
    try:
        return rls.memory()["key", key_id]
    except KeyError:
        raise vault.CannotOpen(str(key_id)) from None


def load_keys(key_ids: Iterable[uuid.UUID]) -> None:
    """Open many keys with one query; those not shown stay closed."""
    known = rls.memory()
    missing = [key_id for key_id in set(key_ids) if ("key", key_id) not in known]
    if missing:
        open_rows(_keys(missing))


def open_rows(rows: Iterable[DataKey]) -> None:
    """Open keys that have come together with what they open: those of engagements, and people's own."""
    known = rls.memory()
    known.update({("own key", row.owner_id) if row.owner_id else ("key", row.pk): _unwrapped(row) for row in rows})


def _unwrapped(row: DataKey) -> bytes:
    return vault.keyring().unwrap(row.master, str(row.pk), bytes(row.wrapped))


def with_keys(rows: QuerySet[Any, Any], of: str) -> QuerySet[Any, Any]:
    """Have each row bring the wrapped key of its engagement, whose id is in the column `of`; `take_keys` opens them."""
    wrapped = Func("wrapped", Value("base64"), function="encode", output_field=TextField())
    key = DataKey.objects.filter(pk=OuterRef(of)).values(key=JSONObject(master="master", wrapped=wrapped))
    return rows.annotate(wrapped_key=Subquery(key))


def take_keys(rows: Iterable[Any], of: str) -> None:
    """Open the keys that came with rows, each once; `of` as in `with_keys`."""
    known = rls.memory()
    for row in rows:
        key_id = getattr(row, of)
        if row.wrapped_key and ("key", key_id) not in known:
            wrapped = base64.b64decode(row.wrapped_key["wrapped"])
            known["key", key_id] = vault.keyring().unwrap(row.wrapped_key["master"], str(key_id), wrapped)


@kept
def _keys(key_ids: list[uuid.UUID]) -> QuerySet[DataKey]:
    return DataKey.objects.filter(pk__any_of=key_ids)


def own_key(user_id: int) -> bytes:
    """The person's own key, made when it is first needed; only the person asking as themselves gets it."""
    known = rls.memory()
    if ("own key", user_id) not in known:
        row = first(_own(user_id))
        known["own key", user_id] = _unwrapped(row) if row else create_key(ids.new_id(), owner_id=user_id)
    return known["own key", user_id]


@kept
def _own(user_id: int) -> QuerySet[DataKey]:
    return DataKey.objects.filter(owner=user_id)
