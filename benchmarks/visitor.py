"""A person with a browser: signs in through the form, reads pages, fills in the forms that stand on them."""

from __future__ import annotations

import gzip
import http.client
import re
import time
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass
from html.parser import HTMLParser

PASSWORD = "lernbegleitung-demo"
IDENTIFIER = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|(?<=/)\d+(?=/)")
BACKGROUND = {"HX-Request": "true", "X-Background": "true"}
NOT_DONE = re.compile(r'class="wrap messages".{0,40}class="note note-(?:sun|brick)', re.S)  # what could not be done
IDLE = 1.0  # seconds; the server closes a connection after two


class Wrong(AssertionError):
    """An answer that is none: the kind of request and the status, never content."""


def kind_of(method: str, path: str) -> str:
    """The request without whom it is about."""
    return f"{method} {IDENTIFIER.sub('…', path.partition('?')[0].partition('#')[0])}"


class Form(HTMLParser):
    """What a form sends when nobody changes anything; its buttons are left out."""

    def __init__(self, html: str, page: str) -> None:
        super().__init__()
        self.action, self.fields, self.menu, self.text = page, {}, "", None
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        a = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.action = a.get("action") or self.action
        elif tag == "select":
            self.menu = a.get("name", "")
        elif tag == "option" and self.menu and ("selected" in a or self.menu not in self.fields):
            self.fields[self.menu] = a.get("value", "")
        elif tag == "textarea" and a.get("name"):
            self.text = a["name"]
            self.fields[self.text] = ""
        elif tag == "input" and a.get("name") and (a.get("type") not in ("radio", "checkbox") or "checked" in a):
            self.fields[a["name"]] = a.get("value", "on" if a.get("type") == "checkbox" else "")

    def handle_data(self, data: str) -> None:
        if self.text:
            self.fields[self.text] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea" and self.text:
            self.fields[self.text] = self.fields[self.text].removeprefix("\n")
            self.text = None
        elif tag == "select":
            self.menu = ""


@dataclass(frozen=True)
class Answer:
    """What came back."""

    path: str
    status: int
    headers: http.client.HTTPMessage
    text: str

    def link(self, pattern: str) -> str:
        """The first address on the page that matches."""
        found = re.search(f'href="({pattern})"', self.text)
        if not found:
            raise Wrong(f"{kind_of('GET', self.path)}: no link {pattern}")
        return found[1].replace("&amp;", "&")

    def links(self, pattern: str) -> list[str]:
        """All of them, each once."""
        return list(dict.fromkeys(re.findall(f'href="({pattern})"', self.text)))

    def form(self, action: str = "", holds: str = "") -> Form:
        """The first form that posts to such an address and holds these characters."""
        for piece in re.findall(r'<form[^>]*method="post".*?</form>', self.text, re.S):
            target = re.search(r'^<form[^>]*\saction="([^"]*)"', piece)
            if re.fullmatch(action, target[1] if target else "") and holds in piece:
                return Form(piece, self.path)
        raise Wrong(f"{kind_of('GET', self.path)}: no form {action or 'of its own'}")


class Visitor:
    """Whoever is `login`@example.org. `note` is told of every request: its kind and its milliseconds."""

    def __init__(self, base: str, login: str, note: Callable[[str, float], None] | None = None) -> None:
        self.login, self.note, self.cookies = login, note, {}
        self.move_to(base)
        page = self.get("/accounts/login/")
        values = {"login": f"{login}@example.org", "password": PASSWORD}
        self.send(page.form("/accounts/login/", "password"), **values)

    @classmethod
    def signed_in(cls, base: str, cookie: str, note: Callable[[str, float], None] | None = None) -> Visitor:
        """Another window of somebody who is."""
        one = cls.__new__(cls)
        one.login, one.note, one.cookies = "", note, dict(piece.split("=", 1) for piece in cookie.split("; "))
        one.move_to(base)
        return one

    def move_to(self, base: str) -> None:
        """Ask another server over the same data from now on."""
        self.base = base
        self.host = base.partition("//")[2].replace("localhost", "127.0.0.1")
        self.connection: http.client.HTTPConnection | None = None
        self.used = 0.0

    @property
    def cookie(self) -> str:
        """What the browser sends along."""
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())

    def get(self, path: str, **headers: str) -> Answer:
        """A page, as it is meant to be."""
        answer = self._ask("GET", path, None, headers)
        if answer.status != 200:
            raise Wrong(f"{kind_of('GET', path)}: {answer.status}")
        return answer

    def send(self, form: Form, to: str = "", **values: str) -> Answer:
        """Send a form; what comes back, or the page that it leads to."""
        answer = self._ask("POST", to or form.action, form.fields | values, {})
        if answer.status == 302:
            place = urllib.parse.urlsplit(answer.headers["Location"])
            if place.path.startswith("/accounts/login/"):
                raise Wrong(f"{kind_of('POST', form.action)}: signed out")
            answer = self.get(urllib.parse.urlunsplit(("", "", place.path, place.query, "")))
        if answer.status != 200 or NOT_DONE.search(answer.text):
            raise Wrong(f"{kind_of('POST', to or form.action)}: {answer.status}, not done")
        return answer

    def send_in_background(self, form: Form, to: str = "", **values: str) -> Answer:
        """As scripts send it: an answer for a place on the page."""
        answer = self._ask("POST", to or form.action, form.fields | values, BACKGROUND)
        if answer.status != 200:
            raise Wrong(f"{kind_of('POST', to or form.action)}: {answer.status}")
        return answer

    def _ask(self, method: str, path: str, values: dict[str, str] | None, headers: dict[str, str]) -> Answer:
        body = urllib.parse.urlencode(values).encode() if values is not None else None
        headers = {"Cookie": self.cookie, "Accept-Encoding": "gzip", "Accept-Language": "de", **headers}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        begun = time.perf_counter()
        if not self.connection or begun - self.used > IDLE:
            self.connection = http.client.HTTPConnection(self.host, timeout=60)
        self.connection.request(method, path.partition("#")[0], body, headers)
        response = self.connection.getresponse()
        text = response.read()
        self.used = time.perf_counter()
        for line in response.headers.get_all("Set-Cookie") or ():
            name, _is, value = line.partition(";")[0].partition("=")
            self.cookies[name] = value
        if self.note:
            self.note(kind_of(method, path), (self.used - begun) * 1000)
        if response.headers["Content-Encoding"] == "gzip":
            text = gzip.decompress(text)
        return Answer(path, response.status, response.headers, text.decode(errors="replace"))
