"""Settings of one deployment: read from the environment, typed, and checked before anything starts."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Self
from zoneinfo import ZoneInfo

PREFIX = "MARKETPLACE_"
ENVIRONMENTS = ("production", "demo", "development", "test")
GATEWAYS = ("stripe", "offline")


class BadSettings(ValueError):
    """The environment describes a deployment that can't run; the text names every fault."""


def _flag(text: str) -> bool:
    if text.lower() in {"1", "on", "yes", "true"}:
        return True
    if text.lower() in {"0", "off", "no", "false", ""}:
        return False
    raise ValueError("expected on or off")


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that differs between two deployments and needs a restart to change."""

    environment: str = "development"
    instance_dir: Path = Path("instance")
    secret_key: str = ""
    database_url: str = ""
    prepared_statements: bool = True
    plugins: tuple[str, ...] = ("funding", "sharing")
    base_url: str = "http://127.0.0.1:8000"
    site_name: str = "Buurtdeel"
    currency: str = "EUR"
    locale: str = "en"
    locales: tuple[str, ...] = ("en", "nl")
    timezone: str = "Europe/Amsterdam"
    home_place: str = "Amsterdam"
    home_lat: float = 52.3676
    home_lon: float = 4.9041
    places_csv: str = ""
    payments: bool = True
    gateways: tuple[str, ...] = ("stripe", "offline")
    stripe_api_key: str = ""
    stripe_api_base: str = ""
    stripe_webhook_secrets: tuple[str, ...] = ()
    mail_url: str = ""
    mail_from: str = "Buurtdeel <hello@localhost.example>"
    storage_dir: Path = Path("media")
    max_content_length: int = 12 * 1024 * 1024
    limiter_storage: str = "memory://"
    trusted_proxies: int = 0
    trace_hooks: bool = False
    metrics_token: str = ""
    days_ahead: float = 0.0
    require_confirmed_mail: bool = True
    outgoing_networks: tuple[str, ...] = ()

    @property
    def no_real_money(self) -> bool:
        """Whether payments only pretend: outside production, with another bank than Stripe, or with Stripe's test key."""
        pretending = bool(self.stripe_api_base) or self.stripe_api_key.startswith(("sk_test_", "rk_test_"))
        return self.environment != "production" or (self.payments and pretending)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None, **overrides: Any) -> Self:
        """Read `MARKETPLACE_*` (and `*_FILE` for values kept in files); raises BadSettings naming every fault."""
        environ = os.environ if environ is None else environ
        values, faults = _read(environ)
        if faults:
            raise BadSettings("; ".join(faults))
        return cls(**{**values, **overrides}).completed()

    def completed(self) -> Self:
        """Fill what follows from the rest, and check it; raises BadSettings."""
        instance = Path(self.instance_dir).resolve()
        changes: dict[str, Any] = {"instance_dir": instance}
        if not self.database_url:
            changes["database_url"] = f"sqlite:///{instance / 'marketplace.db'}"
        elif self.database_url.startswith(("postgres://", "postgresql://")):
            changes["database_url"] = "postgresql+psycopg://" + self.database_url.split("://", 1)[1]
        if not Path(self.storage_dir).is_absolute():
            changes["storage_dir"] = instance / self.storage_dir
        if not self.mail_url:
            changes["mail_url"] = f"file://{instance / 'mail'}"
        if not self.secret_key and self.environment != "production":
            changes["secret_key"] = _kept_secret(instance)
        complete = replace(self, **changes)
        if faults := complete.faults():
            raise BadSettings("; ".join(faults))
        return complete

    def takes(self, gateway: str) -> bool:
        """Tell whether this deployment takes payments by a provider, or ("offline") by hand."""
        return self.payments and gateway in self.gateways

    def faults(self) -> list[str]:
        """Name what makes these settings unusable."""
        found = []
        if self.environment not in ENVIRONMENTS:
            found.append(f"{PREFIX}ENVIRONMENT is one of {', '.join(ENVIRONMENTS)}, not {self.environment!r}")
        if self.environment == "production" and len(self.secret_key) < 32:
            found.append(f"{PREFIX}SECRET_KEY needs at least 32 characters in production")
        if unknown := set(self.gateways) - set(GATEWAYS):
            found.append(f"{PREFIX}GATEWAYS knows {', '.join(GATEWAYS)}, not {', '.join(sorted(unknown))}")
        if self.takes("stripe") and self.environment == "production" and not self.stripe_api_key:
            hint = f"{PREFIX}GATEWAYS=offline for bank transfers and cash only, or {PREFIX}PAYMENTS=off"
            found.append(f"{PREFIX}STRIPE_API_KEY is missing; set it, or set {hint}")
        if self.days_ahead and self.environment not in ("demo", "development"):
            found.append(f"{PREFIX}DAYS_AHEAD moves the clock, which only a demo or development site may do")
        if self.locale not in self.locales:
            found.append(f"{PREFIX}LOCALE {self.locale!r} is not among {PREFIX}LOCALES")
        if len(self.currency) != 3 or not self.currency.isupper():
            found.append(f"{PREFIX}CURRENCY {self.currency!r} is no ISO 4217 code")
        for network in self.outgoing_networks:
            try:
                ip_network(network)
            except ValueError:
                found.append(f"{PREFIX}OUTGOING_NETWORKS names {network!r}, which is no network such as 127.0.0.0/8")
        try:
            ZoneInfo(self.timezone)
        except (KeyError, ValueError):
            found.append(f"{PREFIX}TIMEZONE {self.timezone!r} is no IANA zone")
        return found


READERS: dict[str, Callable[[str], Any]] = {
    "bool": _flag,
    "int": int,
    "float": float,
    "str": str,
    "Path": Path,
    "tuple[str, ...]": _names,
}


def _read(environ: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
    values: dict[str, Any] = {}
    faults: list[str] = []
    for spec in fields(Settings):
        name = PREFIX + spec.name.upper()
        raw = environ.get(name)
        if raw is None and environ.get(name + "_FILE"):
            try:
                raw = Path(environ[name + "_FILE"]).read_text(encoding="utf-8").strip()
            except OSError as error:
                faults.append(f"{name}_FILE can't be read: {error.strerror}")
        if raw is None:
            continue
        try:
            values[spec.name] = READERS[str(spec.type)](raw)
        except ValueError as error:
            faults.append(f"{name}={raw!r}: {error}")
    return values, faults


def _kept_secret(instance: Path) -> str:
    """Make a secret key once per instance folder, so that a development or demo site keeps its log-ins over a restart."""
    path = instance / "secret_key"
    try:
        return path.read_text(encoding="ascii")
    except FileNotFoundError:
        instance.mkdir(parents=True, exist_ok=True)
        fresh = secrets.token_hex(32)
        path.write_text(fresh, encoding="ascii")
        path.chmod(0o600)
        return fresh
