"""The same postings by django-hordak; run by `hordak.py` with the interpreter of an environment that has it.

Arguments: folder of the server's socket, database, clients, members, seconds, way. Prints postings per second and CPU
milliseconds of client and server together per posting. "create" saves transaction and legs one by one, as hordak's own
documentation does; "bulk" sends the legs by one statement, which is the least that its models need. Neither looks whether
the posting was made before, or whether the member's account goes below zero; "same promises" does, by hordak's own means.
"""

import json
import multiprocessing
import os
import random
import sys
import time
import uuid
from decimal import Decimal
from pathlib import Path
from typing import Any

CURRENCY = "EUR"
MEMBERS = 1000


def configure(sockets: str, database: str) -> None:
    """Set Django up with what hordak needs and nothing else."""
    import django
    from django.conf import settings

    engine = {"ENGINE": "django.db.backends.postgresql", "NAME": database, "HOST": sockets, "USER": "marketplace"}
    settings.configure(
        DATABASES={"default": {**engine, "CONN_MAX_AGE": None}},
        INSTALLED_APPS=["django.contrib.contenttypes", "mptt", "djmoney", "hordak"],
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        USE_TZ=True,
        CURRENCIES=[CURRENCY],
        HORDAK_CURRENCIES=[CURRENCY],
        DEFAULT_CURRENCY=CURRENCY,
        SECRET_KEY="none",
    )
    django.setup()


def prepare() -> None:
    """Make the tables and the accounts."""
    from django.core.management import call_command
    from hordak.models import Account

    call_command("migrate", verbosity=0)
    if not Account.objects.exists():
        for number in range(MEMBERS + 2):
            kind = {0: "AS", 1: "IN"}.get(number, "LI")
            Account.objects.create(name=str(number), code=str(number), type=kind, currencies=[CURRENCY])


def poster(way: str) -> Any:
    """Give the function that posts 50.00 to a member with a fee of 2.50, in a transaction of its own."""
    from django.db import transaction
    from hordak.models import Account, Leg, Transaction
    from moneyed import Money

    accounts = list(Account.objects.order_by("id"))
    paid, fee = Money(Decimal("50.00"), CURRENCY), Money(Decimal("2.50"), CURRENCY)
    clearing, fees = accounts[:2]

    def post(member: int) -> None:
        payable = accounts[member + 1]
        with transaction.atomic():
            if way == "same promises":
                key = uuid.uuid4()
                if Transaction.objects.filter(uuid=key).exists():
                    return
                payable = Account.objects.select_for_update().get(pk=payable.pk)
                txn = Transaction.objects.create(description="Pledge", uuid=key)
            else:
                txn = Transaction.objects.create(description="Pledge")
            legs = [
                Leg(transaction=txn, account=clearing, debit=paid),
                Leg(transaction=txn, account=payable, credit=paid),
                Leg(transaction=txn, account=payable, debit=fee),
                Leg(transaction=txn, account=fees, credit=fee),
            ]
            if way == "bulk":
                Leg.objects.bulk_create(legs)
            else:
                for leg in legs:
                    leg.save(force_insert=True)
            if way == "same promises" and payable.get_balance()[CURRENCY].amount < 0:
                raise ValueError("below zero")

    return post


def spent(server: int) -> float:
    """Give the CPU seconds of this process and of its server process so far."""
    fields = Path(f"/proc/{server}/stat").read_text().rsplit(")", 1)[1].split()
    return time.process_time() + (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def client(address: tuple[str, str], members: int, seconds: float, way: str, start: Any, counts: Any) -> None:
    """Post as often as possible for some seconds."""
    configure(*address)
    from django.db import connection

    post = poster(way)
    for _warm in range(20):
        post(1)
    server = connection.connection.info.backend_pid
    start.wait()
    end, cpu, done = time.perf_counter() + seconds, spent(server), 0
    while time.perf_counter() < end:
        post(random.randint(1, members))
        done += 1
    counts.put((done, spent(server) - cpu))


def main() -> None:
    """Measure once, and print the two figures as JSON."""
    sockets, database, clients, members, seconds, way = sys.argv[1:]
    if clients == "0":
        configure(sockets, database)
        prepare()
        return
    spawn = multiprocessing.get_context("spawn")
    start, counts = spawn.Barrier(int(clients)), spawn.Queue()
    asked = ((sockets, database), int(members), float(seconds), way, start, counts)
    processes = [spawn.Process(target=client, args=asked) for _number in range(int(clients))]
    for process in processes:
        process.start()
    results = [counts.get(timeout=120) for _process in processes]
    for process in processes:
        process.join()
    done = sum(result[0] for result in results)
    sys.stdout.write(json.dumps([done / float(seconds), sum(result[1] for result in results) / done * 1000]))


if __name__ == "__main__":
    main()
