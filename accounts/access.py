"""Who may open a page: each view carries exactly one of these lines, and a test says so."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account.decorators import reauthentication_required
from allauth.account.internal.flows.login import get_authentication_records
from allauth.mfa.adapter import get_adapter as second_factors
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django_htmx.http import HttpResponseClientRedirect

from . import drafting
from .people import User
from .roles import Role, grants_of, has_role


class SignedRequest(HttpRequest):
    """A request of somebody signed in."""

    user: User


View = Callable[..., HttpResponseBase]


def number_in(text: str, digits: int = 18) -> int:
    """The number that a text of so many digits at most is; 0 for anything else ("²" has a digit and is no number)."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= digits else 0


def seen_version(request: HttpRequest) -> int:
    """The version of a thing as it stood on the page that was sent; 0 for none, or for what is no number."""
    return number_in(request.POST.get("version", ""), digits=9)


def posted(request: HttpRequest) -> QueryDict | None:
    """What was sent, for a form's `data`: an empty form that was sent is to be told so, not shown as new."""
    return request.POST if request.method == "POST" else None


def _with_access(view: View, access: str) -> View:
    view.access = access  # type: ignore[attr-defined]
    return view


def public(view: View) -> View:
    """Everybody, signed in or not."""
    return _with_access(view, "public")


def signed_in(view: View) -> View:
    """Everybody signed in; what they see there is what the database shows them."""

    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not isinstance(request.user, User):
            return to_login(request)
        return _to_second_factor(request) or view(request, *args, **kwargs)

    return _with_access(checked, "signed in")


def signed_in_so_far(view: View) -> View:
    """Everybody signed in, also those who still have to add their second factor: the page where they do."""

    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not isinstance(request.user, User):
            return to_login(request)
        return view(request, *args, **kwargs)

    return _with_access(checked, "signed in, second factor or not")


def confirmed(view: View) -> View:
    """Below an access line: who asks shows again that it is them, unless they did within the last five minutes.

    For changes of roles and accounts, exports and everything about keys. What was sent is kept meanwhile.
    """
    return reauthentication_required(view)


def needs(*roles: Role) -> Callable[[View], View]:
    """Somebody signed in who has one of these roles today; others are told whom to ask (403)."""

    def decorate(view: View) -> View:
        @wraps(view)
        def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not isinstance(request.user, User):
                return to_login(request)
            if not any(has_role(request.user, role) for role in roles):
                raise PermissionDenied
            return _to_second_factor(request) or view(request, *args, **kwargs)

        return _with_access(checked, "needs " + " or ".join(roles))

    return decorate


def needs_second_factor(user: User) -> bool:
    """Whether one of the person's roles is to be used with a second factor only (SECOND_FACTOR_FOR); "learner" is everybody."""
    roles = settings.SECOND_FACTOR_FOR
    return "learner" in roles or bool(roles) and any(grant.role in roles for grant in grants_of(user))


def used_second_factor(request: HttpRequest) -> bool:
    """Whether this session was opened, or confirmed, with a second factor."""
    return any(way.get("method") == "mfa" for way in get_authentication_records(request, request.user))


def _to_second_factor(request: HttpRequest) -> HttpResponse | None:
    """To where the second factor is added or shown, for those who need one and have not used it; else None."""
    user = request.user
    if not isinstance(user, User) or used_second_factor(request) or not needs_second_factor(user):
        return None
    address = "/accounts/2fa/"
    if second_factors().is_mfa_enabled(user):
        address = "/accounts/2fa/reauthenticate/?next=/heute/"
    else:
        messages.warning(request, _("Ihre Rolle braucht einen zweiten Faktor. Richten Sie ihn bitte zuerst ein."))
    return HttpResponseClientRedirect(address) if request.headers.get("HX-Request") else redirect(address)


def to_login(request: HttpRequest) -> HttpResponse:
    """To the login and back. A script that saves in the background gets 401 and keeps what was typed; what a form
    sent goes through the login with the person, sealed, and stands in the form again afterwards."""
    if request.headers.get("HX-Request"):
        return HttpResponse(status=401)
    if request.method == "POST" and (parcel := drafting.held(request)):
        return _login_with(request, parcel)
    return redirect_to_login(
        request.get_full_path() if request.method == "GET" else request.headers.get("Referer", "/")
    )


def _login_with(request: HttpRequest, parcel: str) -> HttpResponse:
    from .forms import SignInForm  # whose forms need this module

    form = SignInForm(request=request, initial={"held": parcel})
    context = {
        "form": form,
        "redirect_field_name": "next",
        "redirect_field_value": drafting.place_of_held(request),
        "text_is_held": True,
    }
    return render(request, "account/login.html", context, status=401)
