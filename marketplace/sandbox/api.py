"""Answers the API's requests: key, parameters, idempotency, faults, one transaction, errors in Stripe's form."""

import base64
import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from marketplace.sandbox import idempotency
from marketplace.sandbox.calls import API_VERSION, Call, Route
from marketplace.sandbox.clock import Clock
from marketplace.sandbox.errors import (
    ApiError,
    Forbidden,
    LostResponse,
    Missing,
    RateLimited,
    ServerFault,
    Unauthorized,
)
from marketplace.sandbox.expand import expand
from marketplace.sandbox.faults import Fault, Faults
from marketplace.sandbox.ids import new_id
from marketplace.sandbox.judge import Judge
from marketplace.sandbox.objects import (
    account_links,
    accounts,
    balance,
    catalogue,
    charges,
    checkout,
    customers,
    disputes,
    events,
    files,
    mandates,
    payment_intents,
    payment_methods,
    payment_pages,
    payouts,
    refunds,
    setup_intents,
    topups,
    transfers,
    webhook_endpoints,
)
from marketplace.sandbox.params import Params, parse
from marketplace.sandbox.store import Doc, Store, Tx

_MODULES = (
    account_links,
    accounts,
    balance,
    catalogue,
    charges,
    checkout,
    customers,
    disputes,
    events,
    files,
    mandates,
    payment_intents,
    payment_methods,
    payment_pages,
    payouts,
    refunds,
    setup_intents,
    topups,
    transfers,
    webhook_endpoints,
)
ROUTES: dict[str, Route] = {route.operation: route for module in _MODULES for route in module.ROUTES}


@dataclass(slots=True)
class _Asked:
    """A request that passed the door."""

    route: Route
    params: Params
    path: dict[str, str]
    account: str
    base_url: str
    request_id: str
    key: str | None
    print_: str
    version: str


class Api:
    """The part of the server under /v1/."""

    def __init__(
        self, store: Store, clock: Clock, faults: Faults, keys: Iterable[str], public_url: str, wake: Callable[[], None]
    ) -> None:
        self._store = store
        self._clock = clock
        self._faults = faults
        self._keys = frozenset(keys)
        self._public_url = public_url
        self._wake = wake
        self._in_use = idempotency.Keys()
        self._map = Map(
            [Rule(route.rule, methods=[route.method], endpoint=name) for name, route in ROUTES.items()],
            redirect_defaults=False,
            strict_slashes=False,
        )

    def answer(self, request: Request) -> Response:
        """Return the answer to a request. Raises LostResponse when a fault cuts the connection."""
        request_id = new_id("req")
        key = request.headers.get("Idempotency-Key") if request.method == "POST" else None
        extra: dict[str, str] = {}
        asked = None
        try:
            asked = self._read(request, request_id, key)
            status, body = self._serve(asked, extra)
        except ApiError as error:
            status, body = error.status, _json(error.body(self._log_url(request, request_id)))
            if error.status == 409:
                extra["Stripe-Should-Retry"] = "true"
        if self._store.judge:
            _judge(self._store.judge, asked, status, body)
        headers = {"Request-Id": request_id, "Stripe-Version": API_VERSION, **extra}
        if key:
            headers["Idempotency-Key"] = key
        return Response(body, status, headers, content_type="application/json")

    def _base(self, request: Request) -> str:
        return self._public_url or request.host_url.rstrip("/")

    def _log_url(self, request: Request, request_id: str) -> str:
        return f"{self._base(request)}/?request={request_id}"

    def _read(self, request: Request, request_id: str, key: str | None) -> _Asked:
        self._authorise(request)
        try:
            operation, path = self._map.bind("").match(request.path, request.method)
        except MethodNotAllowed as error:
            raise Missing(f"Unrecognized request URL ({request.method}: {request.path}).") from error
        except HTTPException as error:
            raise Missing(f"Unrecognized request URL ({request.method}: {request.path}).") from error
        route = ROUTES[operation]
        uploads = [(name, files.label(file)) for name, file in request.files.items(multi=True)]
        pairs = [*request.args.items(multi=True), *request.form.items(multi=True), *uploads]
        params = Params(parse(pairs))
        params.only(route.accepts)
        account = request.headers.get("Stripe-Account", "")
        if account:
            with self._store.read() as tx:
                if tx.get(account, "account") is None:
                    raise Forbidden(f"There is no account '{account}' here.", code="account_invalid")
        print_ = idempotency.fingerprint(request.method, request.path, dict(params.values)) if key else ""
        version = request.headers.get("Stripe-Version", "")
        return _Asked(route, params, dict(path), account, self._base(request), request_id, key, print_, version)

    def _authorise(self, request: Request) -> None:
        given = request.headers.get("Authorization", "")
        scheme, _, value = given.partition(" ")
        if scheme.lower() == "basic":
            try:
                value = base64.b64decode(value).decode().partition(":")[0]
            except ValueError:
                value = ""
        if not value:
            raise Unauthorized("No API key was given: send it as `Authorization: Bearer <key>`.")
        if value not in self._keys:
            raise Unauthorized(f"Invalid API Key provided: {value[:8]}****", code="api_key_invalid")

    def _serve(self, asked: _Asked, extra: dict[str, str]) -> tuple[int, str]:
        fault = self._faults.draw(asked.route.operation)
        if fault and fault.kind == "rate_limit":
            extra["Retry-After"] = str(max(1, round(fault.seconds)))
            raise RateLimited("Too many requests.", code="rate_limit")
        if asked.route.method == "GET":
            return self._look(asked, fault)
        with self._in_use.claim(asked.account, asked.key):
            if fault and fault.kind == "slow":
                time.sleep(fault.seconds)
            if fault and fault.kind == "lost_before":
                raise LostResponse
            with self._store.write() as tx:
                status, body = self._work(tx, asked, fault, extra)
            self._wake()
        if fault and fault.kind == "lost":
            raise LostResponse
        return status, body

    def _look(self, asked: _Asked, fault: Fault | None) -> tuple[int, str]:
        if fault:
            if fault.kind == "slow":
                time.sleep(fault.seconds)
            elif fault.kind in {"lost", "lost_before"}:
                raise LostResponse
            else:
                raise ServerFault("Something went wrong on our side.")
        with self._store.read() as tx:
            call = self._call(tx, asked)
            return 200, _json(expand(call, asked.route.handler(call), asked.params.texts("expand")))

    def _work(self, tx: Tx, asked: _Asked, fault: Fault | None, extra: dict[str, str]) -> tuple[int, str]:
        """Do the work and keep its answer in one transaction, so that there is never one without the other."""
        call = self._call(tx, asked)
        if asked.key:
            kept = idempotency.recall(tx, asked.account, asked.key, asked.print_, call.now)
            if kept:
                extra.update({"Idempotent-Replayed": "true", "Original-Request": kept.request_id})
                return kept.status, kept.body
        status, body, remembered = self._run(call, asked, fault)
        if asked.key and remembered:
            answer = idempotency.Kept(status, body, asked.request_id)
            idempotency.remember(tx, asked.account, asked.key, asked.print_, answer, call.now)
        return status, body

    def _run(self, call: Call, asked: _Asked, fault: Fault | None) -> tuple[int, str, bool]:
        """Return status, body and whether the answer is to be kept; a refused request leaves nothing behind."""
        log_url = f"{asked.base_url}/?request={asked.request_id}"
        broken = ServerFault("Something went wrong on our side.").body(log_url)
        if fault and fault.kind == "error_before":
            return 500, _json(broken), True
        call.tx.run("SAVEPOINT work")
        try:
            answer = expand(call, asked.route.handler(call), asked.params.texts("expand"))
        except ApiError as error:
            if not error.keep:
                call.tx.run("ROLLBACK TO work")
            status, body, kept = error.status, _json(error.body(log_url)), error.executed
        else:
            status, body, kept = 200, _json(answer), True
        call.tx.run("RELEASE work")
        if fault and fault.kind == "error_after":
            return 500, _json(broken), True
        return status, body, kept

    def _call(self, tx: Tx, asked: _Asked) -> Call:
        return Call(
            tx,
            self._clock.now(),
            asked.account,
            asked.base_url,
            asked.params,
            asked.path,
            asked.request_id,
            asked.key,
            asked.version,
        )


def _judge(judge: Judge, asked: _Asked | None, status: int, body: str) -> None:
    if asked:
        judge.exchange(asked.route, asked.params.values, asked.version, status, body)
    else:
        judge.refusal(status, body)


def _json(doc: Doc) -> str:
    return json.dumps(doc, indent=2, ensure_ascii=False)
