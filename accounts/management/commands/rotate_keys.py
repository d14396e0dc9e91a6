"""`manage.py rotate_keys`: wrap every data key with the newest master key. No text is touched, nobody has to wait."""

from typing import Any

from allauth.mfa.models import Authenticator
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection, transaction
from django.db.models import Count

from accounts.adapter import open_secret, seal_secret
from accounts.keys import DataKey
from lernbegleitung import vault


class Command(BaseCommand):
    """Runs as lern_keys, which sees wrapped keys and nothing else. Stop it at any time; it goes on where it was.

    The order for a change without downtime: add the new key *below* the old one in MASTER_KEYS and restart every
    process (all can now open both); move it to the top and restart (new keys are wrapped by it); run this command;
    remove the old key and restart.
    """

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        """How many at a time, or only a look."""
        parser.add_argument("--batch", type=int, default=1000, help="data keys per transaction")
        parser.add_argument("--check", action="store_true", help="only say how many keys each master key wraps")

    def handle(self, *args: Any, **options: Any) -> None:
        """Count, rotate batch by batch, count again."""
        ring = vault.keyring()
        if options["check"]:
            self.report(ring)
            return
        todo = DataKey.objects.exclude(master=ring.current).filter(master__in=ring.keys).count()
        done = 0
        while number := self.rotate(ring, options["batch"]):
            done += number
            self.stdout.write(f"{min(done, todo) * 100 // max(todo, 1):3d} %  {done} of {todo} keys")
        sealed = self.seal_second_factors(ring)
        self.stdout.write(f"       {sealed} secrets of second factors")
        self.report(ring)
        if strange := DataKey.objects.exclude(master__in=ring.keys).count():
            raise CommandError(
                f"{strange} keys are wrapped by a master key that is not in MASTER_KEYS. Add it and run this again."
            )
        if left := DataKey.objects.exclude(master=ring.current).count():
            raise CommandError(f"{left} keys were held by another process. Run this again.")

    def rotate(self, ring: vault.Keyring, batch: int) -> int:
        """One transaction: take some keys nobody else holds, wrap them anew. The number of keys taken."""
        with transaction.atomic():
            rows = DataKey.objects.exclude(master=ring.current).filter(master__in=ring.keys).order_by("pk")
            taken = list(rows.select_for_update(skip_locked=True, no_key=True)[:batch])
            wrapped = [
                ring.wrap(str(row.pk), ring.unwrap(row.master, str(row.pk), bytes(row.wrapped))) for row in taken
            ]
            if taken:
                with connection.cursor() as cursor:
                    cursor.execute(
                        "UPDATE accounts_datakey k SET master = n.master, wrapped = n.wrapped"
                        " FROM unnest(%s::uuid[], %s::text[], %s::bytea[]) AS n(id, master, wrapped) WHERE k.id = n.id",
                        [[row.pk for row in taken], [master for master, _w in wrapped], [w for _m, w in wrapped]],
                    )
        return len(taken)

    def seal_second_factors(self, ring: vault.Keyring) -> int:
        """Seal the secrets of second factors anew; they are few, so that one transaction will do. How many."""
        done = 0
        with transaction.atomic():
            rows = Authenticator.objects.only("id", "type", "data").exclude(type=Authenticator.Type.WEBAUTHN)
            for row in rows.select_for_update(no_key=True, of=("self",)):
                field = "secret" if row.type == Authenticator.Type.TOTP else "seed"
                if not row.data[field].startswith(f"{ring.current}:"):
                    row.data[field] = seal_secret(open_secret(row.data[field]))
                    row.save(update_fields=["data"])
                    done += 1
        return done

    def report(self, ring: vault.Keyring) -> None:
        """How many data keys each master key wraps."""
        for master, number in DataKey.objects.values_list("master").annotate(Count("pk")).order_by("master"):
            note = (
                "newest"
                if master == ring.current
                else "old, can be opened"
                if master in ring.keys
                else "NOT ON THE RING"
            )
            self.stdout.write(f"{master}: {number} keys ({note})")
