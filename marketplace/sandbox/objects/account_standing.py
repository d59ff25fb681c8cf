"""What happens to connected accounts later: the bank asks for something more, answers come late, accounts leave."""

from marketplace.sandbox.calls import Call, private
from marketplace.sandbox.events import emit
from marketplace.sandbox.objects import accounts
from marketplace.sandbox.store import Doc


def ask(call: Call, account: Doc, item: str, seconds: int) -> Doc:
    """Ask for `item`, to be answered within `seconds`; until then the account works, and with 0 it stops at once."""
    previous = dict(account["capabilities"])
    part = private(account)
    part["asked"] = {"item": item, "by": call.now + seconds}
    if seconds:
        call.tx.schedule(call.now + seconds, "account_overdue", account["id"])
    else:
        part["due"] = [item]
    return accounts.announce(call, account, previous)


def overdue(call: Call, account: Doc) -> None:
    """An answer did not come in time: the account is restricted until it does."""
    part = private(account)
    asked = part.get("asked")
    if asked and not part["due"] and asked["by"] <= call.now:
        previous = dict(account["capabilities"])
        part["due"] = [asked["item"]]
        accounts.announce(call, account, previous)


def leaves(call: Call, account: Doc) -> Doc:
    """Let an account leave the platform: it is not ours to see from now on."""
    emit(call.on(account["id"]), "account.application.deauthorized", accounts.APPLICATION)
    account["deleted"] = True
    return call.tx.update(account)
