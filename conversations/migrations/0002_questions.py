"""The question bank as it comes with the code; `manage.py load_questions` adds what later versions bring."""

from django.db import migrations


def add_questions(apps, schema_editor):  # noqa: ANN001, ANN201
    from conversations.questions import load

    load(apps.get_model("conversations", "GuidingQuestion"))


class Migration(migrations.Migration):
    dependencies = [("conversations", "0001_initial")]
    operations = [migrations.RunPython(add_questions, migrations.RunPython.noop)]
