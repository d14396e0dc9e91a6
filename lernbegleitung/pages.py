"""Pages that everybody may read, and the pages that say what went wrong."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import get_template
from django.utils.cache import get_conditional_response
from django.utils.http import quote_etag
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

# who sees what: learner, companion, coordination, administration and operation, line managers
SEEN = [
    (_("Ihr Anliegen im Wortlaut"), (True, True, False, False, False)),
    (_("Gespräche und Lernschritte, die Sie teilen"), (True, True, False, False, False)),
    (_("Ihr Lerntagebuch, solange Sie es nicht teilen"), (True, False, False, False, False)),
    (_("Vorbereitung Ihrer Begleitung"), (False, True, False, False, False)),
    (_("Ihre Anfrage: Name, Dienststelle, Anlass, Wünsche"), (True, True, True, False, False)),
    (_("Dass Sie begleitet werden"), (True, True, False, False, False)),
    (_("Ihr Konto: Name, E-Mail-Adresse, Dienststelle"), (True, True, True, True, False)),
]


def public_page(template: str) -> Callable[[HttpRequest], HttpResponse]:
    """A view that shows one template to everybody."""

    @require_safe
    def page(request: HttpRequest) -> HttpResponse:
        response = render(request, template, {"seen": SEEN})
        return response if request.user.is_authenticated else kept_until_it_changes(request, response)

    page.access = "public"  # type: ignore[attr-defined]
    return page


def kept_until_it_changes(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Nobody's page: this browser may keep it, and asks each time whether it is still the same (docs/decisions/0029).

    The token of its forms looks different each time and stays good as long as its cookie is the same.
    """
    content = re.sub(
        rb'(?<=name="csrfmiddlewaretoken" value=")\w+', request.META.get("CSRF_COOKIE", "").encode(), response.content
    )
    response.headers["ETag"] = quote_etag(hashlib.sha256(content).hexdigest())
    response.headers["Cache-Control"] = "private, no-cache"
    return get_conditional_response(request, etag=response.headers["ETag"], response=response) or response


start = public_page("pages/start.html")
transparency = public_page("pages/transparency.html")
accessibility = public_page("pages/accessibility.html")
privacy = public_page("pages/privacy.html")
imprint = public_page("pages/imprint.html")
easy_language = public_page("pages/easy_language.html")
sign_language = public_page("pages/sign_language.html")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400: the request could not be read."""
    return render(request, "400.html", status=400)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403: who may see it and whom to ask, without confirming that anything exists."""
    return render(request, "403.html", status=403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404: the same for what does not exist and for what is somebody else's."""
    return render(request, "404.html", status=404)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 for a form that has become too old: nothing was saved, what was typed is one step back."""
    return render(request, "403_csrf.html", status=403)


def server_error(request: HttpRequest) -> HttpResponse:
    """500: a number to tell the operator; no database, no context processors, nothing that may fail again."""
    context: dict[str, Any] = {"number": secrets.token_hex(4), "base": settings.BASE_URL}
    return HttpResponse(get_template("500.html").render(context), status=500)
