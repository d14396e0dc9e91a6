"""Own calendars: read from real https servers, kind and hostile; only times are kept, and only for partners."""

from __future__ import annotations

import gzip
import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.db import connection, transaction
from django.db.utils import ProgrammingError
from django.test import Client

from accounts.models import DataKey, User
from conversations import busy_calendars, busy_reading, fetching
from conversations.busy import busy_times as taken_times
from conversations.busy_calendars import BusyCalendar, BusyTime
from conversations.busy_reading import Order, busy_times, read_safely
from conversations.fetching import Refused, is_public, target_of
from conversations.tasks import fetch_busy_calendars
from engagements.models import Engagement
from engagements.states import State
from lernbegleitung import clock, rls
from lernbegleitung.vault import CannotOpen

from .conftest import as_owner
from .test_delivery import as_worker

ClientOf = Callable[[User], Client]
BERLIN = ZoneInfo("Europe/Berlin")
NEW_YEAR = datetime(2027, 1, 1, tzinfo=UTC)


def calendar(*events: str) -> bytes:
    body = "\r\n".join(f"BEGIN:VEVENT\r\nUID:{n}\r\n{event}\r\nEND:VEVENT" for n, event in enumerate(events))
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n{body}\r\nEND:VCALENDAR\r\n".encode()


# ── reading ────────────────────────────────────────────────────────────────


def times(data: bytes, start: datetime = NEW_YEAR, days: int = 56, **also: Any) -> list[tuple[str, str]]:
    found = busy_times(data, start, start + timedelta(days=days), BERLIN, **also)
    return [(f"{a.astimezone(BERLIN):%d.%m. %H:%M}", f"{b.astimezone(BERLIN):%d.%m. %H:%M}") for a, b in found]


HOUR = "DTSTART:20270111T090000Z\r\nDTEND:20270111T100000Z"


@pytest.mark.parametrize(
    ("line", "busy"),
    [
        ("SUMMARY:x", True), ("TRANSP:OPAQUE", True), ("TRANSP:TRANSPARENT", False), ("STATUS:CANCELLED", False),
        ("STATUS:TENTATIVE", True), ("X-MICROSOFT-CDO-BUSYSTATUS:FREE", False), ("X-MICROSOFT-CDO-BUSYSTATUS:OOF", True),
        ("X-MICROSOFT-CDO-BUSYSTATUS:TENTATIVE\r\nTRANSP:TRANSPARENT", True),
        ("X-MICROSOFT-CDO-BUSYSTATUS:WORKINGELSEWHERE", False),
    ],
)  # fmt: skip
def test_what_takes_time_and_what_does_not(line: str, busy: bool) -> None:
    assert bool(times(calendar(f"{HOUR}\r\n{line}"))) is busy


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("DTSTART;TZID=W. Europe Standard Time:20270111T090000\r\nDURATION:PT90M", [("11.01. 09:00", "11.01. 10:30")]),
        ("DTSTART;TZID=Eastern Standard Time:20270111T090000\r\nDURATION:PT1H", [("11.01. 15:00", "11.01. 16:00")]),
        ("DTSTART:20270111T090000\r\nDTEND:20270111T100000", [("11.01. 09:00", "11.01. 10:00")]),
        ("DTSTART;TZID=Nowhere/City:20270111T090000\r\nDURATION:PT1H", [("11.01. 09:00", "11.01. 10:00")]),
        ("DTSTART;VALUE=DATE:20270111", [("11.01. 00:00", "12.01. 00:00")]),
        ("DTSTART;VALUE=DATE:20270328\r\nDTEND;VALUE=DATE:20270329", [("28.03. 00:00", "29.03. 00:00")]),
        ("DTSTART:20261231T220000Z\r\nDTEND:20270102T100000Z", [("01.01. 01:00", "02.01. 11:00")]),
        ("DTSTART:20270111T090000Z\r\nDTEND:20270111T090000Z", []),
        ("DTSTART:20270111T100000Z\r\nDTEND:20270111T090000Z", [("11.01. 10:00", "11.01. 11:00")]),
        ("SUMMARY:no time at all", []),
    ],
)  # fmt: skip
def test_times_in_every_spelling(written: str, read: list[tuple[str, str]]) -> None:
    assert times(calendar(written), days=100) == read


def test_what_recurs_with_exceptions_across_the_change_of_the_clocks() -> None:
    data = calendar(
        "DTSTART;TZID=Europe/Berlin:20270308T090000\r\nDURATION:PT1H\r\nRRULE:FREQ=WEEKLY;COUNT=5\r\n"
        "EXDATE;TZID=Europe/Berlin:20270315T090000"
    ).replace(
        b"END:VCALENDAR",
        b"BEGIN:VEVENT\r\nUID:0\r\nRECURRENCE-ID;TZID=Europe/Berlin:20270322T090000\r\n"
        b"DTSTART;TZID=Europe/Berlin:20270323T150000\r\nDURATION:PT1H\r\nEND:VEVENT\r\n"
        b"BEGIN:VEVENT\r\nUID:0\r\nRECURRENCE-ID;TZID=Europe/Berlin:20270405T090000\r\nSTATUS:CANCELLED\r\n"
        b"DTSTART;TZID=Europe/Berlin:20270405T090000\r\nDURATION:PT1H\r\nEND:VEVENT\r\nEND:VCALENDAR",
    )
    assert times(data, datetime(2027, 3, 1, tzinfo=UTC)) == [
        ("08.03. 09:00", "08.03. 10:00"), ("23.03. 15:00", "23.03. 16:00"), ("29.03. 09:00", "29.03. 10:00"),
    ]  # fmt: skip


def test_free_busy_as_exchange_and_caldav_publish_it() -> None:
    data = (
        b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VFREEBUSY\r\nUID:1\r\n"
        b"FREEBUSY;FBTYPE=BUSY:20270111T080000Z/20270111T090000Z,20270112T080000Z/PT30M\r\n"
        b"FREEBUSY;FBTYPE=FREE:20270113T080000Z/PT1H\r\nFREEBUSY;FBTYPE=BUSY-UNAVAILABLE:20270114T080000Z/PT1H\r\n"
        b"END:VFREEBUSY\r\nEND:VCALENDAR\r\n"
    )
    assert [begin for begin, _end in times(data)] == ["11.01. 09:00", "12.01. 09:00", "14.01. 09:00"]


def test_what_overlaps_is_one_and_our_own_entries_do_not_count() -> None:
    own = f"{HOUR}\r\nX-A:b".replace("DTSTART", "UID:6f@lern.example.org\r\nDTSTART")
    data = calendar(
        HOUR, HOUR.replace("T09", "T10").replace("T100000Z\r\nDTEND:20270111T10", "T093000Z\r\nDTEND:20270111T11")
    )
    assert times(data) == [("11.01. 10:00", "11.01. 12:00")]
    one = b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n" + own.encode() + b"\r\nEND:VEVENT\r\nEND:VCALENDAR"
    assert times(one, own_domain="lern.example.org") == [] != times(one)


@pytest.mark.parametrize("rule", ["FREQ=SECONDLY", "FREQ=MINUTELY;INTERVAL=2", "freq=secondly;COUNT=9"])
def test_a_rule_for_every_second_is_refused(rule: str) -> None:
    with pytest.raises(Refused, match="too_much"):
        times(calendar(f"DTSTART:00010101T000000Z\r\nDURATION:PT1S\r\nRRULE:{rule}"))


@pytest.mark.parametrize(
    "data", [b"", b"<html>", b"BEGIN:VCARD\nEND:VCARD", b"\x00" * 3000, b"BEGIN:VCALENDAR\nBEGIN:"]
)
def test_what_is_no_calendar(data: bytes) -> None:
    try:
        assert times(data) == []
    except Refused as refused:
        assert refused.problem == "no_calendar"


# ── where we go, and where not ─────────────────────────────────────────────


@pytest.mark.parametrize(
    "number",
    ["127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
     "224.0.0.1", "255.255.255.255", "192.0.2.1", "::1", "::", "fe80::1", "fc00::1", "::ffff:10.0.0.1", "ff02::1",
     "64:ff9b::a00:1", "2002:a00:1::1", "2001:0:a00:1::1", "::10.0.0.1", "2001:db8::1", "fe80::1%eth0"],
)  # fmt: skip
def test_inner_numbers_are_not_public(number: str) -> None:
    assert not is_public(number)


def test_outer_numbers_are() -> None:
    assert is_public("93.184.216.34") and is_public("2606:2800:220:1:248:1893:25c8:1946")


@pytest.mark.parametrize(
    "address",
    ["http://localhost/x", "https://127.0.0.1/x", "https://localhost/x", "https://0/x", "https://2130706433/",
     "https://[::1]/", "https://[::ffff:127.0.0.1]/", "ftp://example.org", "file:///etc/passwd", "https://a:b@example.org",
     "https://", "https://127.0.0.1:6379/", "https:// example.org", "gopher://x", "https://\x00/", "https://a..b/",
     "https://127.1/", "https://0x7f.1/"],
)  # fmt: skip
def test_an_address_into_the_house_is_refused_before_anything_is_sent(address: str) -> None:
    with pytest.raises(Refused) as refused:
        target_of(address)
    assert refused.value.problem in ("address", "unreachable")


def test_a_name_with_one_inner_number_among_outer_ones_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(2, 1, 6, "", ("93.184.216.34", 443)), (2, 1, 6, "", ("10.0.0.1", 443))]
    monkeypatch.setattr(fetching.socket, "getaddrinfo", lambda *a, **k: found)
    with pytest.raises(Refused, match="address"):
        target_of("https://rebind.example.org/")
    assert target_of("https://rebind.example.org/", ["rebind.example.org"]).numbers == ("93.184.216.34", "10.0.0.1")


def test_it_is_connected_to_the_number_that_was_looked_at_whatever_the_name_says_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = [[(2, 1, 6, "", ("93.184.216.34", 443))]]
    monkeypatch.setattr(fetching.socket, "getaddrinfo", lambda *a, **k: answers.pop())
    reached: list[Any] = []

    def connect(where: tuple[str, int], timeout: float) -> None:
        reached.append(where)
        raise OSError

    monkeypatch.setattr(fetching.socket, "create_connection", connect)
    with pytest.raises(Refused, match="unreachable"):
        fetching.fetch("https://rebind.example.org/")
    assert reached == [("93.184.216.34", 443)] and answers == [], "asked once"


# ── servers ────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """An authority of our own and a certificate of it for localhost."""
    folder, now = tmp_path_factory.mktemp("tls"), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Testhaus")])
    authority, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())

    def build(subject: str, public: Any, *, ca: bool) -> x509.CertificateBuilder:
        made = x509.CertificateBuilder().issuer_name(name).public_key(public).serial_number(x509.random_serial_number())
        made = made.subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        made = made.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=2))
        return made.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)

    root = build("Testhaus", authority.public_key(), ca=True).sign(authority, hashes.SHA256())
    leaf = build("localhost", key.public_key(), ca=False)
    leaf = leaf.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    pem = serialization.Encoding.PEM
    (folder / "ca.pem").write_bytes(root.public_bytes(pem))
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "server.pem").write_bytes(leaf.sign(authority, hashes.SHA256()).public_bytes(pem) + private)
    return SimpleNamespace(ca=folder / "ca.pem", server=folder / "server.pem")


class Sender(BaseHTTPRequestHandler):
    """Answers as the test says."""

    def do_GET(self) -> None:
        self.server.asked.append((self.path, dict(self.headers)))  # type: ignore[attr-defined]
        self.server.answer(self)  # type: ignore[attr-defined]

    def log_message(self, *args: Any) -> None:
        pass

    def give(self, body: bytes = b"", status: int = 200, **headers: str) -> None:
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def server(certificates: SimpleNamespace) -> Iterator[Any]:
    """A real https server on this machine."""
    running = ThreadingHTTPServer(("127.0.0.1", 0), Sender)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.server)
    running.socket = context.wrap_socket(running.socket, server_side=True)
    running.daemon_threads = True
    running.asked = []  # type: ignore[attr-defined]
    running.url = f"https://localhost:{running.server_port}"  # type: ignore[attr-defined]
    running.answer = lambda sender: sender.give(calendar(HOUR))  # type: ignore[attr-defined]
    thread = threading.Thread(target=running.serve_forever, daemon=True)
    thread.start()
    yield running
    running.shutdown()
    running.server_close()


@pytest.fixture
def order(server: Any, certificates: SimpleNamespace) -> Callable[..., Order]:
    def make(path: str = "/my.ics", **also: Any) -> Order:
        values = {
            "address": server.url + path, "start": NEW_YEAR.isoformat(),
            "end": (NEW_YEAR + timedelta(days=56)).isoformat(), "zone": "Europe/Berlin", "own_domain": "x.example",
            "inner_hosts": ("localhost",), "ca_file": str(certificates.ca),
        }  # fmt: skip
        return Order(**values | also)

    return make


def problem(order: Order) -> str:
    with pytest.raises(Refused) as refused:
        read_safely(order)
    return refused.value.problem


def test_a_calendar_is_read_over_https(server: Any, order: Callable[..., Order]) -> None:
    (found,) = read_safely(order("/geheim.ics?token=1"))
    assert found == (datetime(2027, 1, 11, 9, tzinfo=UTC), datetime(2027, 1, 11, 10, tzinfo=UTC))
    ((path, headers),) = server.asked
    assert path == "/geheim.ics?token=1" and "Cookie" not in headers and headers["User-Agent"] == "Lernbegleitung"


def test_without_the_operators_word_the_same_server_is_not_even_asked(server: Any, order: Callable[..., Order]) -> None:
    assert problem(order(inner_hosts=())) == "address" and server.asked == []


def test_a_certificate_of_nobody_we_know_is_refused(server: Any, order: Callable[..., Order]) -> None:
    assert problem(order(ca_file="")) == "certificate" and server.asked == []


@pytest.mark.parametrize(
    ("status", "wrong"), [(401, "denied"), (403, "denied"), (404, "not_found"), (410, "not_found"), (500, "server"),
                          (204, "server"), (429, "server")],
)  # fmt: skip
def test_what_a_server_says(server: Any, order: Callable[..., Order], status: int, wrong: str) -> None:
    server.answer = lambda sender: sender.give(status=status)
    assert problem(order()) == wrong


def test_a_redirect_is_followed_thrice_and_looked_at_each_time(server: Any, order: Callable[..., Order]) -> None:
    def hop(sender: Sender) -> None:
        number = int(sender.path.strip("/"))
        sender.give(calendar(HOUR)) if number == 0 else sender.give(status=302, Location=f"/{number - 1}")

    server.answer = hop
    assert len(read_safely(order("/3"))) == 1
    assert problem(order("/4")) == "redirects"
    for elsewhere in ("http://localhost/", f"https://127.0.0.1:{server.server_port}/", "https://169.254.169.254/latest",
                      "file:///etc/passwd", "https://[::1]/"):  # fmt: skip
        server.answer = lambda sender, to=elsewhere: sender.give(status=301, Location=to)
        server.asked.clear()
        assert problem(order("/x")) == "address" and len(server.asked) == 1


def test_too_big_plain_packed_and_without_a_length(server: Any, order: Callable[..., Order]) -> None:
    huge = b"X" * (fetching.MOST_BYTES + 10)
    server.answer = lambda sender: sender.give(huge)
    assert problem(order()) == "too_big"
    bomb = gzip.compress(b"BEGIN:VCALENDAR" + b"\0" * 200_000_000)
    server.answer = lambda sender: sender.give(bomb, Content_Encoding="gzip")
    assert len(bomb) < 400_000 and problem(order()) == "too_big"
    server.answer = lambda sender: sender.give(gzip.compress(calendar(HOUR)), Content_Encoding="gzip")
    assert len(read_safely(order())) == 1
    server.answer = lambda sender: sender.give(b"x", Content_Encoding="br")
    assert problem(order()) == "no_calendar"


def test_a_server_that_drips_is_left_at_the_end_of_the_time(
    server: Any, order: Callable[..., Order], monkeypatch: pytest.MonkeyPatch
) -> None:
    stop = threading.Event()

    def drip(sender: Sender) -> None:
        sender.send_response(200)
        sender.end_headers()
        while not stop.wait(0.2):
            sender.wfile.write(b"B")
            sender.wfile.flush()

    server.answer = drip
    monkeypatch.setattr(busy_reading, "SECONDS", 3)
    assert problem(order()) == "too_slow"
    stop.set()


def test_rules_that_would_compute_for_ever_end_with_the_process(
    server: Any, order: Callable[..., Order], monkeypatch: pytest.MonkeyPatch
) -> None:
    bomb = [f"DTSTART:00020101T000000Z\r\nDURATION:PT1S\r\nRRULE:FREQ=HOURLY;BYSECOND={n % 60}" for n in range(400)]
    server.answer = lambda sender: sender.give(calendar(*bomb))
    monkeypatch.setattr(busy_reading, "SECONDS", 4)
    assert problem(order()) in ("too_slow", "too_much")


# ── the whole way ──────────────────────────────────────────────────────────


@pytest.fixture
def connected(
    db: None, world: SimpleNamespace, server: Any, certificates: SimpleNamespace, settings: Any, client_of: ClientOf
) -> BusyCalendar:
    """Ben has connected his calendar: busy for an hour in three days."""
    settings.CALENDAR_INNER_HOSTS, settings.CALENDAR_CA_FILE = ["localhost"], str(certificates.ca)
    soon = clock.now() + timedelta(days=3)
    event = f"SUMMARY:Arzt\r\nDTSTART:{soon:%Y%m%dT%H0000Z}\r\nDURATION:PT1H"
    server.answer = lambda sender: sender.give(calendar(event))
    address = server.url.replace("https://", "webcal://") + "/geheim.ics"
    assert client_of(world.ben).post("/kalender/belegt/", {"address": address}).status_code == 302
    with as_owner():
        return BusyCalendar.objects.get(owner=world.ben)


def fetch() -> dict[str, int]:
    found: dict[str, int] = as_worker(fetch_busy_calendars)
    return found


def window() -> tuple[datetime, datetime]:
    return clock.now(), clock.now() + timedelta(days=10)


def test_the_worker_fetches_and_keeps_times_and_no_word(
    connected: BusyCalendar, world: SimpleNamespace, client_of: ClientOf
) -> None:
    assert (
        "Wir sehen in der nächsten Minute zum ersten Mal nach."
        in client_of(world.ben).get("/kalender/").content.decode()
    )
    assert fetch() == {"read": 1, "failed": 0} and fetch() == {"read": 0, "failed": 0}
    with as_owner(), connection.cursor() as cursor:
        assert BusyTime.objects.count() == 1
        for table in ("conversations_busytime", "conversations_busycalendar"):
            cursor.execute(f"SELECT string_agg(t::text, '') FROM {table} t")
            text = cursor.fetchone()[0]
            assert "Arzt" not in text and "geheim" not in text and "localhost" not in text
    assert "Eine belegte Zeit" in client_of(world.ben).get("/kalender/").content.decode()


def test_only_the_person_and_partners_of_a_running_companionship_get_the_times(
    connected: BusyCalendar, world: SimpleNamespace, engagement_in: Callable[..., Engagement]
) -> None:
    fetch()
    engagement = engagement_in(State.ACTIVE)
    for who, seen in ((world.ben, 1), (world.anna, 1), (world.stranger, 0), (world.carla, 0), (world.dirk, 0)):
        with rls.acting_as(who.pk):
            assert len(taken_times([world.ben.pk], *window())[world.ben.pk]) == seen
            assert BusyTime.objects.count() == (1 if who == world.ben else 0)
    for state, seen in ((State.CLOSED, 0), (State.PAUSED, 0), (State.INTRODUCTION, 1), (State.OFFERED, 0)):
        with as_owner():
            Engagement.objects.filter(pk=engagement.pk).update(state=state)
        with rls.acting_as(world.anna.pk):
            assert len(taken_times([world.ben.pk], *window())[world.ben.pk]) == seen, state
    with rls.acting_as(None):
        assert taken_times([world.ben.pk], *window()) == {world.ben.pk: []}


def test_the_address_is_sealed_with_a_key_that_nobody_else_gets(
    connected: BusyCalendar, world: SimpleNamespace
) -> None:
    with rls.acting_as(world.ben.pk):
        assert BusyCalendar.objects.get().address.endswith("/geheim.ics")
    for who in (world.anna, world.dirk):
        with rls.acting_as(who.pk):
            assert BusyCalendar.objects.count() == 0 and not DataKey.objects.filter(pk=connected.pk).exists()
            with pytest.raises(CannotOpen):
                assert connected.address
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE lern_worker")
        for table in ("conversations_busycalendar", "conversations_busytime", "accounts_datakey"):
            with pytest.raises(ProgrammingError), transaction.atomic():
                cursor.execute(f"SELECT * FROM {table}")
        cursor.execute("SET ROLE lern_app")
        for call in ("claim_busy_calendars(now(), now(), 9)",):
            with pytest.raises(ProgrammingError), transaction.atomic():
                cursor.execute(f"SELECT {call}")


def test_the_web_never_fetches(
    connected: BusyCalendar, server: Any, client_of: ClientOf, world: SimpleNamespace
) -> None:
    client_of(world.ben).post("/kalender/belegt/", {"now": "1"})
    client_of(world.ben).get("/kalender/")
    assert server.asked == []


def test_what_is_wrong_is_said_with_what_to_do_and_tried_less_and_less_often(
    connected: BusyCalendar, server: Any, client_of: ClientOf, world: SimpleNamespace
) -> None:
    server.answer = lambda sender: sender.give(status=404)
    pauses = []
    for _failure in range(7):
        with as_owner():
            BusyCalendar.objects.update(next_at=clock.now())
        assert fetch() == {"read": 0, "failed": 1}
        with as_owner():
            pauses.append(round((BusyCalendar.objects.get().next_at - clock.now()).total_seconds() / 3600))
    assert pauses == [1, 2, 4, 8, 16, 24, 24]
    page = client_of(world.ben).get("/kalender/").content.decode()
    assert "Der Kalender ließ sich nicht lesen." in page and "Veröffentlichen Sie ihn neu" in page
    server.answer = lambda sender: sender.give(calendar())
    client_of(world.ben).post("/kalender/belegt/", {"now": "1"})
    assert fetch() == {"read": 1, "failed": 0}
    with as_owner():
        row = BusyCalendar.objects.get()
        assert (row.problem, row.failures) == ("", 0)


def test_a_failure_keeps_what_was_known(connected: BusyCalendar, server: Any, world: SimpleNamespace) -> None:
    fetch()
    server.answer = lambda sender: sender.give(b"<html>")
    with as_owner():
        BusyCalendar.objects.update(next_at=clock.now())
    assert fetch()["failed"] == 1
    with rls.acting_as(world.ben.pk):
        assert BusyTime.objects.count() == 1 and BusyCalendar.objects.get().problem == "no_calendar"


def test_another_address_forgets_the_old_and_a_late_answer_of_the_old_changes_nothing(
    connected: BusyCalendar, world: SimpleNamespace, client_of: ClientOf
) -> None:
    (row,) = as_worker(lambda: busy_calendars.claim(5))
    client_of(world.ben).post("/kalender/belegt/", {"address": "https://neu.example.org/x.ics"})
    as_worker(lambda: busy_calendars.fetch_one(row))
    with rls.acting_as(world.ben.pk):
        assert BusyTime.objects.count() == 0 and BusyCalendar.objects.get().address == "https://neu.example.org/x.ics"


def test_removing_forgets_address_key_and_times(
    connected: BusyCalendar, world: SimpleNamespace, client_of: ClientOf
) -> None:
    fetch()
    for _twice in range(2):
        assert client_of(world.ben).post("/kalender/belegt/", {"remove": "1"}).status_code == 302
    with as_owner():
        assert (BusyCalendar.objects.count(), BusyTime.objects.count()) == (0, 0)
        assert not DataKey.objects.filter(pk=connected.pk).exists()


def test_who_is_deactivated_is_not_fetched_and_a_worker_that_dies_gives_back(
    connected: BusyCalendar, world: SimpleNamespace
) -> None:
    assert len(as_worker(lambda: busy_calendars.claim(5))) == 1
    assert as_worker(lambda: busy_calendars.claim(5)) == [], "leased"
    with as_owner():
        BusyCalendar.objects.update(next_at=clock.now())
        User.objects.filter(pk=world.ben.pk).update(is_active=False)
    assert as_worker(lambda: busy_calendars.claim(5)) == []


@pytest.mark.parametrize(
    "address", ["", "http://x.example.org/a", "https://a:b@x.example.org", "x.ics", "javascript:1"]
)
def test_a_wrong_address_is_told_beside_the_field_and_stays_there(
    world: SimpleNamespace, client_of: ClientOf, address: str
) -> None:
    response = client_of(world.ben).post("/kalender/belegt/", {"address": address})
    page = response.content.decode()
    assert (
        response.status_code == 422 and 'id="id_address_error"' in page and f'value="{address}"' in page or not address
    )
    with as_owner():
        assert BusyCalendar.objects.count() == 0
