"""SQL that would make the books wrong, sent past the service; `:names` stand for ids that the test fills in.

Each attack is a list of statements carried out in one transaction. An attack is here because of a guard that it needs:
`test_every_mutant_of_the_guards_is_caught` takes the guards away one by one.
"""

SUMS = ("posted_debit", "posted_credit", "pending_debit", "pending_credit", "last_transfer_id")
DAY = "'2026-11-21'"


def insert(table: str, facts: dict[str, object], verb: str = "INSERT") -> str:
    return f"{verb} INTO {table} ({', '.join(facts)}) VALUES ({', '.join(map(str, facts.values()))})"


def txn(verb: str = "INSERT", **facts: object) -> str:
    """Write an insert of a transaction of one line."""
    usual = {"key": "'new'", "fingerprint": "'f'", "description": "'d'", "lines": 1, "at": DAY}
    return insert("ledger_txn", {**usual, **facts}, verb)


def account(verb: str = "INSERT", **facts: object) -> str:
    """Write an insert of an account of the platform."""
    usual = {
        "code": "'x'", "currency": "'EUR'", "kind": "'asset'", "owner_type": "'platform'", "owner_id": "NULL",
        "role": "'r'", "guard": "(1 = 1)", "created_at": DAY,
    }  # fmt: skip
    return insert("ledger_account", {**usual, **facts}, verb)


def line(verb: str = "INSERT", **facts: object) -> str:
    """Write an insert of one transfer of 1.00 from the clearing account to the owner's."""
    usual = {
        "txn_id": "(SELECT max(id) FROM ledger_txn)", "lines": 1, "line": 1, "debit_account_id": ":clearing",
        "credit_account_id": ":owner", "currency": "'EUR'", "amount": 100, "phase": "'posted'",
    }  # fmt: skip
    return insert("ledger_transfer", {**usual, **facts}, verb)


def moved(verb: str = "INSERT", **facts: object) -> list[str]:
    """Write a transaction with one such transfer."""
    return [txn(), line(verb, **facts)]


TAKE = {"debit_account_id": ":owner", "credit_account_id": ":clearing"}
RESOLVE = {"debit_account_id": ":owner", "credit_account_id": ":held", "pending_id": ":hold", "phase": "'post'"}
PART = "INSERT INTO ledger_part VALUES ((SELECT id FROM ledger_account WHERE code = 'unused'), 99, 0, 100, 1)"

ATTACKS: dict[str, list[str]] = {
    "change a transaction": ["UPDATE ledger_txn SET description = 'other'"],
    "put a part beside an account": [PART],
    "put a part beside no account": ["INSERT INTO ledger_part VALUES (999, 1, 0, 0, 1)"],
    "take a transaction away": [txn(), "DELETE FROM ledger_txn WHERE key = 'new'"],
    "change a transfer": ["UPDATE ledger_transfer SET amount = amount + 1"],
    "change a hold's time": ["UPDATE ledger_transfer SET expires_at = '2030-01-01' WHERE phase = 'pending'"],
    "take a transfer away": ["DELETE FROM ledger_transfer WHERE id = :hold"],
    "take an account away": ["DELETE FROM ledger_account WHERE code = 'unused'"],
    "give money": ["UPDATE ledger_account SET posted_credit = posted_credit + 100 WHERE id = :owner"],
    "free what is held": ["UPDATE ledger_account SET pending_debit = 0 WHERE id = :owner"],
    "count a transfer again": [
        "UPDATE ledger_account SET posted_credit = posted_credit + 5000, last_transfer_id = :direct WHERE id = :owner"
    ],
    "forget what was counted": ["UPDATE ledger_account SET last_transfer_id = 0"],
    "lift a guard": ["UPDATE ledger_account SET guard = (1 = 0)"],
    "rename an account": ["UPDATE ledger_account SET code = 'mine' WHERE id = :owner"],
    "change a currency": ["UPDATE ledger_account SET currency = 'USD' WHERE code = 'unused'"],
    **{f"open an account with {name}": [account(**{name: 5}, guard="(1 = 0)")] for name in SUMS},
    "open an account twice": [account(code="'unused'")],
    "open an account of no kind": [account(kind="'money'")],
    "open an account of no currency": [account(currency="'eur'")],
    "open an account of half a currency": [account(currency="'EU'")],
    "open a member's account of nobody": [account(owner_type="'member'")],
    "open an account of somebody unknown": [account(owner_type="'club'", owner_id=5)],
    "use a key twice": [txn(key="'first'")],
    "use no key": [txn(key="''")],
    "have no lines": [txn(lines=0)],
    "name an unknown agreement": [txn(agreement_id=999)],
    "reverse twice": [txn(reverses_id=":first")],
    "reverse what isn't there": [txn(reverses_id=999)],
    "reverse itself": [txn(id=9000, reverses_id=9000)],
    "move nothing": moved(amount=0),
    "move less than nothing": moved(amount=-100),
    "move more than there is": moved(amount=10**15 + 1),
    "take too much": moved(**TAKE, amount=3001),
    "take more than is owed": moved(credit_account_id=":owed", amount=401),
    "hold more than is owed": moved(credit_account_id=":owed", amount=401, phase="'pending'"),
    "hold too much": moved(**TAKE, amount=3001, phase="'pending'"),
    "add a line to what was posted": [line(txn_id=":first", lines=2, line=3)],
    "add a line and a count": [line(txn_id=":first", lines=3, line=3)],
    "take a line's place": [line(txn_id=":first", lines=2, line=2)],
    "have a line zero": [line(txn_id=":first", lines=2, line=0)],
    "belong to no transaction": [line(txn_id=999)],
    "use another currency": moved(currency="'USD'"),
    "debit an unknown account": moved(debit_account_id=999),
    "credit an unknown account": moved(credit_account_id=999),
    "debit another currency's account": moved(debit_account_id=":dollars"),
    "credit another currency's account": moved(credit_account_id=":dollars"),
    "stay in one account": moved(debit_account_id=":owner"),
    "be in no phase": moved(phase="'gone'"),
    "post nothing pending": moved(phase="'post'"),
    "resolve by the way": moved(**{**RESOLVE, "phase": "'posted'"}, amount=1000),
    "expire when posted": moved(expires_at="'2030-01-01'"),
    "post what isn't there": moved(phase="'post'", pending_id=999),
    "post more than was held": moved(**RESOLVE, amount=2001),
    "void less than was held": moved(**{**RESOLVE, "phase": "'void'"}, amount=1999),
    "post to another account": moved(**{**RESOLVE, "credit_account_id": ":clearing"}, amount=1),
    "post from another account": moved(**{**RESOLVE, "debit_account_id": ":clearing"}, amount=1),
    "post what was posted at once": moved(phase="'post'", pending_id=":direct", amount=1),
    "resolve twice": moved(**{**RESOLVE, "pending_id": ":resolved"}, amount=10),
}

SQLITE_ATTACKS: dict[str, list[str]] = {
    "move a part of a cent": moved(amount=1.5),
    "move a word": moved(amount="'plenty'"),
    "replace a transfer": [line("INSERT OR REPLACE", id=":direct", txn_id=":first", lines=2, line=1, amount=1)],
    "replace another transaction's transfer": [txn(), line("INSERT OR REPLACE", id=":direct", amount=1)],
    "replace a line": [line("INSERT OR REPLACE", txn_id=":first", lines=2, line=1, amount=1)],
    "replace a resolution": moved("INSERT OR REPLACE", **{**RESOLVE, "pending_id": ":resolved"}, amount=10),
    "replace a transaction": [txn("INSERT OR REPLACE", id=":first", key="'first'", lines=2)],
    "replace a transaction under another key": [txn("INSERT OR REPLACE", id=":first", lines=2)],
    "replace a reversal without lines": [
        txn(key="'one'", reverses_id=":other"),
        txn("INSERT OR REPLACE", key="'two'", reverses_id=":other"),
    ],
    "replace a reversal": [txn("INSERT OR REPLACE", reverses_id=":first")],
    "replace an account": [account("INSERT OR REPLACE", code="'unused'")],
    "take too much without counting it": moved("INSERT OR IGNORE", **TAKE, amount=3001),
    "count another account's transfer": [
        "UPDATE ledger_account SET last_transfer_id = (SELECT max(id) FROM ledger_transfer) WHERE code = 'unused'"
    ],
    "give money unless refused": ["UPDATE OR IGNORE ledger_account SET posted_credit = 1 WHERE id = :owner"],
    "put one line in another's place": ["UPDATE OR REPLACE ledger_transfer SET line = 1 WHERE txn_id = :first"],
}

POSTGRESQL_ATTACKS: dict[str, list[str]] = {
    "give money to a part": ["UPDATE ledger_part SET posted_credit = posted_credit + 100"],
    "take a part away": ["DELETE FROM ledger_part"],
    "empty the accounts": ["TRUNCATE ledger_account CASCADE"],
    "empty the parts": ["TRUNCATE ledger_part"],
    "empty the transactions": ["TRUNCATE ledger_txn CASCADE"],
    "empty the transfers": ["TRUNCATE ledger_transfer CASCADE"],
}
