"""Three texts become one: nothing typed is lost, contradictions are for a person to decide."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.merging import WORDS, merged

WORD = st.sampled_from(["früh", "sagen", "Pause", "und", "wir", "nicht", ".", ",", " ", "\n"])
TEXT = st.lists(WORD, max_size=30).map("".join)


@pytest.mark.parametrize(
    ("base", "stored", "typed", "wanted"),
    [
        ("Ich war still.", "Ich war still.", "Ich war laut.", "Ich war laut."),
        ("Ich war still.", "Gestern: Ich war still.", "Ich war still. Heute nicht.", "Gestern: Ich war still. Heute nicht."),
        ("", "Vom Rechner.", "Vom Telefon.", "Vom Rechner. Vom Telefon."),
        ("Ich war still.", "Ich war laut.", "Ich war laut.", "Ich war laut."),
        ("Ich war still.", "Ich war laut.", "Ich war leise.", None),
        ("Eins zwei drei", "zwei drei", "Eins zwei", "zwei"),
        ("Eins zwei", "", "Eins zwei drei", " drei"),
        ("gleich", "gleich", "gleich", "gleich"),
    ],
)  # fmt: skip
def test_examples(base: str, stored: str, typed: str, wanted: str | None) -> None:
    assert merged(base, stored, typed) == wanted


@given(TEXT, TEXT)
def test_one_side_alone_is_taken_as_it_is(base: str, other: str) -> None:
    assert merged(base, other, base) == other
    assert merged(base, base, other) == other
    assert merged(base, other, other) == other


@given(TEXT, st.integers(0, 40), st.integers(0, 40))
def test_what_is_inserted_on_either_side_is_there_afterwards(base: str, here: int, there: int) -> None:
    """New words at any two places never contradict each other, and both stand afterwards, whole."""
    words = WORDS.findall(base)
    here, there = min(here, len(words)), min(there, len(words))
    stored = "".join([*words[:here], " gestern Abend ", *words[here:]])
    typed = "".join([*words[:there], " heute Morgen ", *words[there:]])
    both = merged(base, stored, typed)
    assert both is not None
    assert {"gestern", "Abend", "heute", "Morgen"} <= set(WORDS.findall(both))
    assert sorted(w for w in WORDS.findall(both) if not w.isspace()) == sorted(
        [*(w for w in words if not w.isspace()), "gestern", "Abend", "heute", "Morgen"]
    )


@given(TEXT, TEXT, TEXT)
def test_no_new_word_of_either_side_disappears(base: str, stored: str, typed: str) -> None:
    both = merged(base, stored, typed)
    if both is not None:
        new = (set(WORDS.findall(stored)) | set(WORDS.findall(typed))) - set(WORDS.findall(base))
        assert new <= set(WORDS.findall(both))
