"""A notice is sealed for one browser as RFC 8291 says, and opened here by code that shares no line with what has sealed it."""

from __future__ import annotations

import json

import pytest
from cryptography.exceptions import InvalidTag
from django.core.management import call_command
from hypothesis import given
from hypothesis import strategies as st

from accounts import push_crypto

from .push_house import Browser


def test_sealing_is_what_rfc_8291_shows_in_its_appendix() -> None:
    to = push_crypto.Subscription(
        "https://push.example.net/push/JzLQ3raZJfFBR0aqvOMsLrt54w4rJUsV",
        "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
        "BTBZMqHH6r4Tts7J_aSIgg",
    )
    ours = push_crypto._private("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw")
    salt = push_crypto.unpack("DGv6ra1nlYgDCS1FRnbzlw")
    assert push_crypto.pack(push_crypto.seal_with(b"When I grow up, I want to be a watermelon", to, ours, salt)) == (
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru"
        "3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )


@given(st.dictionaries(st.text(max_size=20), st.text(max_size=200), max_size=3))
def test_the_browser_reads_what_was_sealed_for_it_and_no_other_does(notice: dict[str, str]) -> None:
    one, other = Browser("https://a.example/1"), Browser("https://a.example/1")
    sealed = push_crypto.seal(json.dumps(notice).encode(), push_crypto.Subscription(**one.form()))
    assert one.open(sealed) == notice
    with pytest.raises(InvalidTag):
        other.open(sealed)


def test_a_new_key_is_a_key(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("make_push_key")
    key = capsys.readouterr().out.strip()
    assert len(push_crypto.unpack(key)) == 32 and len(push_crypto.unpack(push_crypto.public_key(key))) == 65


@pytest.mark.parametrize("text", ["", "x", "ä", "A" * 87, "B" * 87 + "!"])
def test_what_is_no_key_is_refused(text: str) -> None:
    good = Browser("https://a.example/1").form()
    for name in ("p256dh", "auth"):
        with pytest.raises(ValueError):
            push_crypto.Subscription(**{**good, name: text}).check()
