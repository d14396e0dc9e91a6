"""What every request passes: response headers, the actor in the database, the reader's language."""

import hashlib
import time
from collections.abc import Callable, Iterator

from allauth.core.internal import ratelimit  # its public face does not limit GET
from django.conf import settings
from django.contrib.auth import SESSION_KEY, get_user, logout
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils import translation

from . import clock, rls

Handler = Callable[[HttpRequest], HttpResponse]
DOOR = "/accounts/"
FEED = "/kalender/abo/"
# Asking for a new password writes a mail for those who have an account; the time it takes must not say so.
EVEN, AT_LEAST = "/accounts/password/reset/", 0.25  # seconds


class HeaderMiddleware:
    """Nothing behind the login stays in a cache, no other site embeds ours, logging out empties the browser.

    The outermost of ours: what it waits for, it waits for without a transaction.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        begun = time.monotonic()
        response = self.get_response(request)
        if request.path == EVEN and request.method == "POST":
            time.sleep(max(0, begun + AT_LEAST - time.monotonic()))
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        response.headers.setdefault("Cache-Control", "no-store")  # files of the browser say something else already
        if not request.path.startswith(settings.STATIC_URL):
            response.headers.setdefault("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
        if request.path == "/accounts/logout/" and request.method == "POST":
            response.headers["Clear-Site-Data"] = '"cache", "storage"'
        return response


class LimitMiddleware:
    """A person searches as fast as a person can, a calendar asks now and then; whoever asks faster waits.

    Before the request's transaction, because pages are read in READ ONLY ones and the limit is counted in a table.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        for action, key in _limited(request):
            if ratelimit.consume(request, app="allauth.account", action=action, key=key, limit_get=True) is None:
                return ratelimit.respond_429(request)
        return self.get_response(request)


def _limited(request: HttpRequest) -> Iterator[tuple[str, str]]:
    """What of this request is limited, and what it is counted by."""
    if request.GET.get("q") and (user_id := request.session.get(SESSION_KEY)):
        yield "search", f"search-{user_id}"
    if request.path.startswith(FEED):
        yield "feed", f"feed-{hashlib.sha256(request.path.encode()).hexdigest()}"


class ActorMiddleware:
    """One transaction and one actor per request, template rendering included; GET cannot write.

    The session says who asks before the account can be read, because reading it needs the actor already.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        end_idle_session(request)
        user_id = int(request.session.get(SESSION_KEY) or 0) or None
        at_the_door = request.path.startswith(DOOR)
        reading = request.method in ("GET", "HEAD") and not at_the_door
        with rls.acting_as(user_id, at_the_door=at_the_door, reading=reading):
            request.user = get_user(request)  # the person, not a stand-in that asks at each look who it is
            if user_id and not request.user.is_authenticated:  # deactivated since: the next request is a stranger's
                rls.forget_actor()
            response = self.get_response(request)
            if hasattr(response, "render") and callable(response.render) and not getattr(response, "is_rendered", True):
                response = response.render()
            if response.status_code >= 500:
                transaction.set_rollback(True)
        return response


def end_idle_session(request: HttpRequest) -> None:
    """Sign out a session that nobody has used for two hours, or that is ten hours old.

    Both times are kept in the session, nowhere else.
    """
    if SESSION_KEY not in request.session:
        return
    moment = int(clock.now().timestamp())
    last, since = request.session.get("used", moment), request.session.get("since", moment)
    if moment - last > settings.SESSION_IDLE_SECONDS or moment - since > settings.SESSION_COOKIE_AGE:
        logout(request)
    elif moment - last > 300 or "used" not in request.session:
        request.session["used"], request.session["since"] = moment, since


class LanguageMiddleware:
    """The page speaks the person's language: the own choice, else the cookie, else the browser's wish."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        chosen = request.user.language if request.user.is_authenticated else ""
        language = chosen or translation.get_language_from_request(request)
        with translation.override(language):
            request.LANGUAGE_CODE = language
            response = self.get_response(request)
        response.headers.setdefault("Content-Language", language)
        return response
