"""Searching in what one has written oneself."""

from __future__ import annotations

from allauth.core import ratelimit
from django import forms
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from accounts.access import SignedRequest, posted, signed_in
from conversations.search import MOST, search


class SearchForm(forms.Form):
    """Words; sent by POST, so that they stand in no address."""

    words = forms.CharField(
        label=_("Wonach suchen Sie?"),
        max_length=100,
        error_messages={"required": _("Schreiben Sie ein Wort, das in Ihrem Text vorkommt.")},
        widget=forms.TextInput(attrs={"autocomplete": "off", "type": "search"}),
    )


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def find(request: SignedRequest) -> HttpResponse:
    """A field, and below it what was found."""
    form = SearchForm(posted(request))
    if form.is_bound and not ratelimit.consume(request, action="search", key=f"search-{request.user.pk}"):
        return ratelimit.respond_429(request)
    found = search(request.user, form.cleaned_data["words"]) if form.is_bound and form.is_valid() else None
    context = {"form": form, "found": found, "most": MOST}
    return render(request, "conversations/search.html", context, status=422 if form.errors else 200)
