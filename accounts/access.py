"""Who may open a page: each view carries exactly one of these lines, and a test says so."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict

from .people import User
from .roles import Role, has_role


class SignedRequest(HttpRequest):
    """A request of somebody signed in."""

    user: User


View = Callable[..., HttpResponseBase]


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
        if not request.user.is_authenticated:
            return _to_login(request)
        return view(request, *args, **kwargs)

    return _with_access(checked, "signed in")


def needs(*roles: Role) -> Callable[[View], View]:
    """Somebody signed in who has one of these roles today; others are told whom to ask (403)."""

    def decorate(view: View) -> View:
        @wraps(view)
        def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not isinstance(request.user, User):
                return _to_login(request)
            if not any(has_role(request.user, role) for role in roles):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        return _with_access(checked, "needs " + " or ".join(roles))

    return decorate


def _to_login(request: HttpRequest) -> HttpResponse:
    """To the login and back; a script that saves in the background gets 401 and keeps what was typed."""
    if request.headers.get("HX-Request"):
        return HttpResponse(status=401)
    return redirect_to_login(
        request.get_full_path() if request.method == "GET" else request.headers.get("Referer", "/")
    )
