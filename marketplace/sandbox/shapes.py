"""How an object looks when it is new: the fields that are empty, or the same for every one of its kind."""

import json
from typing import Any

from marketplace.sandbox.store import Doc

_CHARGE: Doc = {
    "object": "charge",
    "amount_captured": 0,
    "amount_refunded": 0,
    "application": None,
    "application_fee": None,
    "application_fee_amount": None,
    "balance_transaction": None,
    "calculated_statement_descriptor": "PAYMENT SANDBOX",
    "captured": False,
    "disputed": False,
    "failure_balance_transaction": None,
    "failure_code": None,
    "failure_message": None,
    "fraud_details": {},
    "livemode": False,
    "on_behalf_of": None,
    "outcome": {
        "advice_code": None,
        "network_advice_code": None,
        "network_decline_code": None,
        "network_status": "approved_by_network",
        "reason": None,
        "risk_level": "normal",
        "risk_score": 12,
        "seller_message": "Payment complete.",
        "type": "authorized",
    },
    "paid": True,
    "receipt_number": None,
    "receipt_url": None,
    "refunded": False,
    "review": None,
    "source_transfer": None,
    "status": "succeeded",
    "transfer_data": None,
}

_CHARGED_CARD: Doc = {
    "authorization_code": "123456",
    "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
    "extended_authorization": {"status": "disabled"},
    "incremental_authorization": {"status": "unavailable"},
    "installments": None,
    "mandate": None,
    "multicapture": {"status": "unavailable"},
    "network_token": {"used": False},
    "network_transaction_id": "101010101010101",
    "regulated_status": "unregulated",
    "three_d_secure": None,
    "wallet": None,
}

# A payment that arrives on a connected account: its charge is the platform's transfer, not a payer's card.
_ARRIVAL: Doc = {
    "object": "charge",
    "amount_refunded": 0,
    "application": None,
    "balance_transaction": None,
    "billing_details": {"address": None, "email": None, "name": None, "phone": None, "tax_id": None},
    "captured": True,
    "customer": None,
    "disputed": False,
    "failure_code": None,
    "failure_message": None,
    "livemode": False,
    "metadata": {},
    "outcome": None,
    "paid": True,
    "payment_intent": None,
    "payment_method": None,
    "payment_method_details": {"type": "stripe_account", "stripe_account": {}},
    "refunded": False,
    "status": "succeeded",
}

_PAYMENT_INTENT: Doc = {
    "object": "payment_intent",
    "allowed_payment_method_types": None,
    "amount_capturable": 0,
    "amount_details": {"tip": {}},
    "amount_received": 0,
    "application": None,
    "application_fee_amount": None,
    "automatic_payment_methods": None,
    "canceled_at": None,
    "cancellation_reason": None,
    "capture_method": "automatic_async",
    "confirmation_method": "automatic",
    "customer": None,
    "description": None,
    "last_payment_error": None,
    "latest_charge": None,
    "livemode": False,
    "metadata": {},
    "next_action": None,
    "on_behalf_of": None,
    "payment_method": None,
    "payment_method_configuration_details": None,
    "payment_method_options": {
        "card": {"installments": None, "mandate_options": None, "network": None, "request_three_d_secure": "automatic"}
    },
    "payment_method_types": ["card"],
    "processing": None,
    "receipt_email": None,
    "review": None,
    "setup_future_usage": None,
    "shipping": None,
    "statement_descriptor": None,
    "statement_descriptor_suffix": None,
    "status": "requires_payment_method",
    "transfer_data": None,
    "transfer_group": None,
}

_REFUND: Doc = {
    "object": "refund",
    "balance_transaction": None,
    "destination_details": {
        "card": {"reference_status": "pending", "reference_type": "acquirer_reference_number", "type": "refund"},
        "type": "card",
    },
    "receipt_number": None,
    "source_transfer_reversal": None,
    "transfer_reversal": None,
}

_PAYOUT: Doc = {
    "object": "payout",
    "application_fee": None,
    "application_fee_amount": None,
    "balance_transaction": None,
    "failure_balance_transaction": None,
    "failure_code": None,
    "failure_message": None,
    "livemode": False,
    "method": "standard",
    "original_payout": None,
    "reversed_by": None,
    "source_type": "card",
    "trace_id": None,
    "type": "bank_account",
}

_SESSION: Doc = {
    "object": "checkout.session",
    "adaptive_pricing": None,
    "after_expiration": None,
    "allow_promotion_codes": None,
    "allowed_payment_method_types": None,
    "amount_subtotal": None,
    "amount_total": None,
    "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
    "client_secret": None,
    "collected_information": None,
    "consent": None,
    "consent_collection": None,
    "currency": None,
    "currency_conversion": None,
    "custom_fields": [],
    "custom_text": {
        "after_submit": None,
        "shipping_address": None,
        "submit": None,
        "terms_of_service_acceptance": None,
    },
    "customer_details": None,
    "discounts": [],
    "invoice": None,
    "invoice_creation": None,
    "livemode": False,
    "payment_intent": None,
    "payment_link": None,
    "payment_method_configuration_details": None,
    "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
    "payment_method_types": ["card"],
    "permissions": None,
    "phone_number_collection": {"enabled": False},
    "recovered_from": None,
    "saved_payment_method_options": None,
    "setup_intent": None,
    "shipping_address_collection": None,
    "shipping_cost": None,
    "shipping_options": [],
    "status": "open",
    "subscription": None,
    "total_details": None,
    "ui_mode": "hosted_page",
    "wallet_options": None,
}

_ACCOUNT_SETTINGS: Doc = {
    "bacs_debit_payments": {"display_name": None, "service_user_number": None},
    "branding": {"icon": None, "logo": None, "primary_color": None, "secondary_color": None},
    "card_issuing": {"tos_acceptance": {"date": None, "ip": None}},
    "card_payments": {
        "decline_on": {"avs_failure": False, "cvc_failure": False},
        "statement_descriptor_prefix": None,
        "statement_descriptor_prefix_kana": None,
        "statement_descriptor_prefix_kanji": None,
    },
    "dashboard": {"display_name": None, "timezone": "Etc/UTC"},
    "invoices": {"default_account_tax_ids": None, "hosted_payment_method_save": "offer"},
    "payments": {"statement_descriptor": None, "statement_descriptor_kana": None, "statement_descriptor_kanji": None},
    "payouts": {
        "debit_negative_balances": True,
        "schedule": {"delay_days": 3, "interval": "daily"},
        "statement_descriptor": None,
    },
    "sepa_debit_payments": {},
}

# Kept as text: reading JSON gives a copy that shares nothing, several times faster than a deep copy.
_TEXTS = {
    name: json.dumps(shape)
    for name, shape in {
        "charge": _CHARGE,
        "charged_card": _CHARGED_CARD,
        "arrival": _ARRIVAL,
        "payment_intent": _PAYMENT_INTENT,
        "refund": _REFUND,
        "payout": _PAYOUT,
        "session": _SESSION,
        "account_settings": _ACCOUNT_SETTINGS,
    }.items()
}


def new(kind: str, **facts: Any) -> Doc:
    """Return a fresh object of a kind with its own `facts` laid over what all of them share."""
    doc: Doc = json.loads(_TEXTS[kind])
    doc.update(facts)
    return doc
