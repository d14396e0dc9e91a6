"""Talks for journeys: each journey makes its own, so that none meets what another has left behind."""

from __future__ import annotations

import re
from datetime import timedelta

from playwright.sync_api import Page, expect

from .conftest import House


def make_talk(companion: Page, house: House, learner: str, clock: str, days: int = 9) -> str:
    """An appointment in `days` days at `clock` (HH:MM), made by the companion; answers the address of its desk."""
    companion.goto("/begleitungen/")
    companion.get_by_role("link", name=re.compile(learner)).first.click()
    companion.get_by_role("link", name="Termin buchen").first.click()
    companion.get_by_role("link", name="Tag und Uhrzeit selbst eintragen").click()
    day = house.now.date() + timedelta(days=days)
    companion.get_by_label("Tag").fill(f"{day:%Y-%m-%d}")
    companion.get_by_label("Beginn").fill(clock)
    companion.get_by_role("button", name="Termin vereinbaren").click()
    expect(companion.get_by_text("Der Termin steht.")).to_be_visible()
    link = companion.get_by_role("link", name="Gespräch vorbereiten").get_attribute("href") or ""
    return link.removesuffix("vorbereiten/")
