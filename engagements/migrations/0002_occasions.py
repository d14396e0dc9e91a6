"""The occasions of design/domain.md; an administrator adds more without code."""

from django.db import migrations

OCCASIONS = [
    ("own_topic", "Eigenes Thema", "Own topic"),
    ("training_transfer", "Transfer nach einer Qualifizierung", "Transfer after training"),
    ("new_job", "Einarbeitung", "Starting a new job"),
    ("task_change", "Neue oder veränderte Aufgabe", "New or changed task"),
    ("return_to_work", "Rückkehr nach einer Auszeit", "Return after time away"),
    ("leadership", "In Führung gehen", "Moving into leadership"),
]


def add_occasions(apps, schema_editor):  # noqa: ANN001, ANN201
    occasion = apps.get_model("engagements", "Occasion")
    for position, (code, name_de, name_en) in enumerate(OCCASIONS):
        occasion.objects.get_or_create(
            code=code, defaults={"name_de": name_de, "name_en": name_en, "position": position}
        )


class Migration(migrations.Migration):
    dependencies = [("engagements", "0001_initial")]
    operations = [migrations.RunPython(add_occasions, migrations.RunPython.noop)]
