"""The first version of every guide: the words of the method, with a hint where a kind of talk has its own."""

from __future__ import annotations

from typing import Any

WORDS = [
    ("Anliegen klären", "Clarify the concern", "Herausfinden, worum es wirklich geht: in einer echten Situation.", "Find out what it is really about: in a real situation."),
    ("Ideen entwickeln", "Develop ideas", "Andere Wege denken, ohne sie gleich zu bewerten.", "Think of other ways without judging them at once."),
    ("Lernschritte planen", "Plan learning steps", "Etwas Kleines vornehmen: konkret, in der eigenen Arbeit, mit Tag.", "Plan something small: concrete, in your own work, with a day."),
    ("Erfahrungen auswerten und sichern", "Review and secure the experience", "Zurückschauen, was war, und festhalten, was trägt.", "Look back at what happened and keep what carries."),
]  # fmt: skip
HINTS = {
    ("introduction", 1): ("Zum Kennenlernen genügt ein erster Blick darauf. Sie dürfen beide offenlassen, ob es passt.", "For getting to know each other a first look is enough. Both may leave open whether it fits."),
    ("check_in", 4): ("Ein Zwischengespräch darf kurz sein: Was trägt, was braucht etwas anderes?", "A check-in may be short: what holds, what needs something else?"),
    ("closing", 4): ("Zum Abschluss gehört der Blick auf den ganzen Weg, und was ohne Begleitung weitergeht.", "Closing includes looking at the whole way, and at what goes on without a companion."),
    ("follow_up", 4): ("Was ist geblieben, was ist wieder verschwunden? Beides sagt etwas.", "What has stayed, what has gone again? Both say something."),
}  # fmt: skip
KINDS = ("introduction", "conversation", "check_in", "closing", "follow_up")
OWN = {("closing", 4): ["k01", "k02", "k03", "k04"]}
ASKED = ("c", "i", "s", "r")


def sections(kind: str) -> list[dict[str, Any]]:
    """The four parts of one kind of talk, each with the first four questions of its part."""
    found = []
    for number, (title_de, title_en, aim_de, aim_en) in enumerate(WORDS, 1):
        hint_de, hint_en = HINTS.get((kind, number), ("", ""))
        found.append({
            "title_de": title_de, "title_en": title_en, "aim_de": aim_de, "aim_en": aim_en,
            "hint_de": hint_de, "hint_en": hint_en,
            "questions": OWN.get((kind, number)) or [f"{ASKED[number - 1]}{n:02}" for n in range(1, 5)],
        })  # fmt: skip
    return found
