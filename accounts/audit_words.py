"""What an audit line says to a person."""

from __future__ import annotations

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from .audit import AuditEvent
from .people import User

WORDS = {
    "portfolio.taken": _("%(name)s: das eigene Lernportfolio mitgenommen"),
    "person.signed_out": _("%(name)s: eine Person überall abgemeldet"),
    "second_factor.added": _("%(name)s: zweiten Faktor hinzugefügt"),
    "second_factor.removed": _("%(name)s: zweiten Faktor entfernt"),
    "second_factor.reset": _("%(name)s: zweiten Faktor einer Person weggenommen"),
    "mail.retried": _("%(name)s: eine unzustellbare Nachricht noch einmal gesendet"),
    "address.resumed": _("%(name)s: an eine Adresse wieder gesendet"),
    "import.agencies_looked_over": _("%(name)s: eine Datei mit Dienststellen zur Vorschau hochgeladen"),
    "import.people_looked_over": _("%(name)s: eine Datei mit Personen zur Vorschau hochgeladen"),
    "import.agencies_taken_over": _("%(name)s: eine Datei mit Dienststellen übernommen"),
    "import.people_taken_over": _("%(name)s: eine Datei mit Personen übernommen"),
    "pool.exported": _("%(name)s: die Lernbegleitenden mit ihren Plätzen als Datei geholt"),
    "import.discarded": _("%(name)s: eine hochgeladene Datei verworfen"),
    "free_day.added": _("%(name)s: einen freien Tag eingetragen"),
    "free_day.removed": _("%(name)s: einen freien Tag entfernt"),
    "programme.written": _("%(name)s: ein Programm angelegt"),
    "programme.changed": _("%(name)s: ein Programm geändert"),
    "occasion.written": _("%(name)s: einen Anlass angelegt"),
    "occasion.changed": _("%(name)s: einen Anlass geändert"),
    "occasion.retired": _("%(name)s: einen Anlass ruhen lassen"),
    "occasion.revived": _("%(name)s: einen Anlass zurückgeholt"),
    "agency.features": _("%(name)s: die Funktionen einer Dienststelle eingestellt"),
    "agency.video_service": _("%(name)s: den Videodienst einer Dienststelle eingestellt"),
    "person.qualified": _("%(name)s: die Qualifizierung einer Lernbegleitung eingetragen"),
    "person.transferred": _("%(name)s: eine Person einer anderen Dienststelle zugeordnet"),
    "agency.created": _("%(name)s: eine Dienststelle angelegt"),
    "agency.changed": _("%(name)s: eine Dienststelle geändert"),
    "agency.moved": _("%(name)s: eine Dienststelle verschoben"),
    "agency.merged": _("%(name)s: eine Dienststelle in eine andere aufgehen lassen"),
    "calendar.feed_opened": _("%(name)s: eine Kalenderadresse angelegt"),
    "calendar.feed_closed": _("%(name)s: die Kalenderadresse abgeschaltet"),
    "calendar.busy_kept": _("%(name)s: den eigenen Kalender angegeben"),
    "calendar.busy_removed": _("%(name)s: den eigenen Kalender entfernt"),
    "appointment.series_made": _("%(name)s: mehrere Termine vereinbart"),
    "appointment.series_moved": _("%(name)s: mehrere Termine verschoben"),
    "appointment.series_cancelled": _("%(name)s: mehrere Termine abgesagt"),
    "engagement.begun": _("%(name)s: Entwurf begonnen"),
    "engagement.requested": _("%(name)s: Begleitung angefragt"),
    "companion.leaves": _("%(name)s: einen letzten Tag als Begleitung genannt"),
    "companion.stays": _("%(name)s: den letzten Tag als Begleitung zurückgenommen"),
    "substitute.asked": _("%(name)s: um Vertretung gebeten"),
    "substitute.taken_back": _("%(name)s: die Bitte um Vertretung zurückgenommen"),
    "substitute.agreed": _("%(name)s: eine Vertretung zugesagt"),
    "substitute.declined": _("%(name)s: eine Vertretung abgesagt"),
    "engagement.sent_on": _("%(name)s: die Anfrage an eine andere Koordination gegeben"),
    "engagement.forward_asked": _("%(name)s: gefragt, ob die Anfrage an eine andere Koordination gehen darf"),
    "engagement.proposed": _("%(name)s: Begleitungen vorgeschlagen"),
    "engagement.proposal_taken_back": _("%(name)s: Vorschlag zurückgenommen"),
    "engagement.others_wished": _("%(name)s: um andere Vorschläge gebeten"),
    "engagement.chosen": _("%(name)s: eine Begleitung gefragt"),
    "engagement.accepted": _("%(name)s: die Begleitung zugesagt"),
    "engagement.declined": _("%(name)s: abgesagt, ohne Angabe von Gründen"),
    "engagement.not_a_fit": _("%(name)s: es passt nicht, ohne Angabe von Gründen"),
    "engagement.unanswered": _("%(name)s: Anfrage ohne Antwort zurückgegeben"),
    "engagement.started": _("%(name)s: die Lernbegleitung beginnt"),
    "engagement.paused": _("%(name)s: Pause begonnen"),
    "engagement.rested": _("%(name)s: Pause begonnen, weil nichts geplant war"),
    "engagement.left_alone": _("%(name)s: Pause begonnen, weil die Begleitung nicht mehr da ist"),
    "engagement.resumed": _("%(name)s: Pause beendet"),
    "engagement.companion_changed": _("%(name)s: eine andere Begleitung gewünscht"),
    "engagement.closed": _("%(name)s: die Lernbegleitung abgeschlossen"),
    "engagement.withdrawn": _("%(name)s: Anfrage zurückgezogen"),
    "engagement.reopened": _("%(name)s: den Abschluss zurückgenommen"),
    "engagement.stayed": _("%(name)s: bei der bisherigen Begleitung geblieben"),
    "engagement.taken_up": _("%(name)s: die Anfrage als Entwurf zurückgeholt"),
    "agreement.written": _("%(name)s: Lernvereinbarung geschrieben"),
    "agreement.accepted": _("%(name)s: Lernvereinbarung angenommen"),
    "appointment.made": _("%(name)s: Termin vereinbart"),
    "appointment.moved": _("%(name)s: Termin verschoben"),
    "appointment.cancelled": _("%(name)s: Termin abgesagt"),
    "dates.proposed": _("%(name)s: Termine vorgeschlagen"),
    "dates.none_fits": _("%(name)s: keiner der vorgeschlagenen Termine passt"),
    "conversation.agreed": _("%(name)s: dem Protokoll zugestimmt"),
    "conversation.added": _("%(name)s: dem Protokoll etwas nachgetragen"),
    "guide.published": _("%(name)s: eine Fassung des Leitfadens veröffentlicht"),
    "question.written": _("%(name)s: eine Frage für alle geschrieben"),
    "question.changed": _("%(name)s: eine Frage für alle geändert"),
    "question.retired": _("%(name)s: eine Frage für alle ruhen lassen"),
    "question.revived": _("%(name)s: eine Frage für alle zurückgeholt"),
    "question.accepted": _("%(name)s: eine vorgeschlagene Frage übernommen"),
    "question.declined": _("%(name)s: eine vorgeschlagene Frage nicht übernommen"),
    "conversation.documented": _("%(name)s: Protokoll abgeschlossen"),
}


def sentence(event: AuditEvent, viewer: User) -> str:
    """One line in words; the actor is "Sie", a visible name, or "Koordination" for somebody the viewer cannot see."""
    words = WORDS.get(event.kind)
    if event.actor_id == viewer.pk:
        name = gettext("Sie")
    elif event.actor_id is None:
        name = gettext("Das System")
    else:
        name = event.actor.name if event.actor else gettext("Koordination")
    return str(words) % {"name": name} if words else f"{name}: {event.kind}"
