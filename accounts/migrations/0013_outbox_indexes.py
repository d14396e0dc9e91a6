"""An index less to write for every mail: nobody looks for keys by how they begin, which `unique=True` brings an index for."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0012_features"),
    ]

    operations = [
        migrations.RunSQL(
            "DROP INDEX IF EXISTS accounts_outgoingmail_key_e4d43f55_like",
            "CREATE INDEX accounts_outgoingmail_key_e4d43f55_like ON accounts_outgoingmail (key varchar_pattern_ops)",
        ),
    ]
