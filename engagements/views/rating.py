"""Rückmeldung: what it brought, by a link that knows nobody. Neither the page nor the database is told who asks."""

from __future__ import annotations

from functools import wraps
from typing import Any

from allauth.core import ratelimit
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import View, posted, public
from engagements.actions import ratings as actions
from engagements.closing_forms import BenefitForm
from engagements.ratings import last_day
from lernbegleitung import rls


def as_nobody(view: View) -> View:
    """Answer as to a stranger, signed in or not: no person, no messages, no actor in the database, no trail to follow."""

    @wraps(view)
    def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        request.user = AnonymousUser()
        if hasattr(request, "_messages"):  # they stay for the next page
            del request._messages
        rls.forget_actor()
        response = view(request, *args, **kwargs)
        if "token" in kwargs:
            response.headers["Referrer-Policy"] = "strict-origin"  # the address is the ticket
        return response

    return answered


@public
@as_nobody
@sensitive_variables("token")
@require_http_methods(["GET", "HEAD", "POST"])
def rating(request: HttpRequest, token: str) -> HttpResponse:
    """Five statements and a list; sending it uses the ticket."""
    # One limit for all together: a limit by address would keep who rated when.
    if not ratelimit.consume(request, action="rating", key="rating"):
        return ratelimit.respond_429(request)
    quarter = actions.holds_until(token)
    if not quarter:
        return render(request, "engagements/rating_over.html", status=410)
    form = BenefitForm(posted(request))
    if request.method == "POST" and form.is_valid():
        if actions.rate(token=token, numbers=form.numbers(), helped=form.cleaned_data["helped"]):
            return redirect("engagements:rated")
        return render(request, "engagements/rating_over.html", status=410)
    context = {"form": form, "until": last_day(quarter)}
    return render(request, "engagements/rating.html", context, status=422 if form.errors else 200)


@public
@as_nobody
@require_safe
def rated(request: HttpRequest) -> HttpResponse:
    """Thank you."""
    return render(request, "engagements/rated.html")
