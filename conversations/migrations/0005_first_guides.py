"""Version 1 of the guide for every kind of talk, and the talks there are keep it."""

from django.db import migrations

from lernbegleitung import clock


def publish_first(apps, schema_editor):  # noqa: ANN001, ANN201
    from conversations.guide_first import KINDS, sections

    guide, talk = apps.get_model("conversations", "GuideVersion"), apps.get_model("conversations", "Conversation")
    for kind in KINDS:
        first = guide.objects.create(
            kind=kind, number=1, state="published", sections=sections(kind), published_at=clock.now()
        )
        talk.objects.filter(appointment__kind=kind).update(guide=first)


class Migration(migrations.Migration):
    dependencies = [("conversations", "0004_guide_versions")]
    operations = [migrations.RunPython(publish_first, migrations.RunPython.noop)]
