"""Pages are compressed by the application itself, so that one place decides which (docs/decisions/0029)."""

from django.http import HttpRequest, HttpResponseBase
from django.middleware.gzip import GZipMiddleware

WORDS = ("text/", "application/json")  # papers and archives are compressed already
FROM_HERE = {"same-origin", "none"}  # a link or a form of ours; typed, or from the bookmarks


class CompressMiddleware(GZipMiddleware):
    """Gzip with up to a hundred random bytes (Heal-the-BREACH), and none where another site has chosen the address.

    BREACH guesses a secret from the length of pages that repeat the attacker's words beside it. The attacker's means are
    addresses with a query, opened in the browser of somebody who is signed in; browsers say so in `Sec-Fetch-Site`.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """As Django does it, or untouched."""
        chosen_elsewhere = request.META["QUERY_STRING"] and request.headers.get("Sec-Fetch-Site") not in FROM_HERE
        if chosen_elsewhere or not response.headers.get("Content-Type", "").startswith(WORDS):
            return response
        return super().process_response(request, response)
