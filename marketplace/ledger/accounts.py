"""The chart of accounts: which accounts there are, what they are called, and which may never go below zero."""

from __future__ import annotations

from dataclasses import dataclass

from marketplace.ledger.models import DEBIT_KINDS


@dataclass(frozen=True, slots=True)
class AccountSpec:
    """What an account is; it is opened by the first transfer that names it, and never changes afterwards."""

    code: str
    currency: str
    kind: str
    role: str
    owner_type: str = "platform"
    owner_id: int | None = None
    guard: bool = False

    @property
    def grows_by_debit(self) -> bool:
        """Tell whether a debit makes the account larger: true of assets and expenses."""
        return self.kind in DEBIT_KINDS


def provider_clearing(gateway: str, currency: str) -> AccountSpec:
    """Money that the payment provider keeps for us (asset); a chargeback after a pay-out may push it below zero."""
    return AccountSpec(f"provider:{gateway}:clearing:{currency}", currency, "asset", "provider_clearing")


def provider_exchange(gateway: str, currency: str) -> AccountSpec:
    """What the provider exchanged from or into a currency (equity): in all currencies together, what that won or cost."""
    return AccountSpec(f"provider:{gateway}:exchange:{currency}", currency, "equity", "provider_exchange")


def provider_fees(currency: str) -> AccountSpec:
    """What payment providers charged us (expense)."""
    return AccountSpec(f"provider:fees:{currency}", currency, "expense", "provider_fees")


def platform_fees(currency: str) -> AccountSpec:
    """What the platform earned (income)."""
    return AccountSpec(f"platform:fees:{currency}", currency, "income", "platform_fees")


def member_reserve(user_id: int, currency: str) -> AccountSpec:
    """What was set aside of a member's earnings for chargebacks, and is the member's (liability); never below zero."""
    return AccountSpec(
        f"member:{user_id}:reserve:{currency}", currency, "liability", "reserve", "member", user_id, guard=True
    )


def matching_funds(currency: str) -> AccountSpec:
    """What sponsors gave to double members' pledges (liability); never below zero."""
    return AccountSpec(f"platform:matching_funds:{currency}", currency, "liability", "matching_funds", guard=True)


def write_offs(currency: str) -> AccountSpec:
    """Losses that nobody can be asked to carry (expense)."""
    return AccountSpec(f"platform:write_offs:{currency}", currency, "expense", "write_offs")


def platform_bank(currency: str) -> AccountSpec:
    """Money on the platform's own bank account (asset): what the provider paid out to us, cash and bank transfers."""
    return AccountSpec(f"platform:bank:{currency}", currency, "asset", "platform_bank")


def platform_cash(currency: str) -> AccountSpec:
    """Coins and notes in the platform's own cash box (asset)."""
    return AccountSpec(f"platform:cash:{currency}", currency, "asset", "platform_cash")


def cash_with_members(currency: str) -> AccountSpec:
    """Cash that a member took straight from another (asset): never ours, so zero again once it is settled with its owner."""
    return AccountSpec(f"platform:cash_with_members:{currency}", currency, "asset", "cash_with_members")


def tax_payable(currency: str) -> AccountSpec:
    """Tax on our fees that we owe the tax office (liability)."""
    return AccountSpec(f"platform:tax:{currency}", currency, "liability", "tax_payable")


def member_payable(user_id: int, currency: str) -> AccountSpec:
    """What we owe a member (liability); never below zero."""
    return AccountSpec(
        f"member:{user_id}:payable:{currency}", currency, "liability", "payable", "member", user_id, guard=True
    )


def member_receivable(user_id: int, currency: str) -> AccountSpec:
    """What a member owes us (asset), for instance after a chargeback of money that was already paid out."""
    return AccountSpec(
        f"member:{user_id}:receivable:{currency}", currency, "asset", "receivable", "member", user_id, guard=True
    )


def agreement_held(agreement_id: int, currency: str) -> AccountSpec:
    """What is held for the parties of an agreement until it is settled (liability); never below zero."""
    return AccountSpec(
        f"agreement:{agreement_id}:held:{currency}",
        currency,
        "liability",
        "held",
        "agreement",
        agreement_id,
        guard=True,
    )
