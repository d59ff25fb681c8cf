"""The errors that the API answers with, in Stripe's form (https://docs.stripe.com/api/errors)."""

from typing import Any


class ApiError(Exception):
    """An answer other than 200.

    `executed` says that the work had begun, so that the answer is remembered under the idempotency key; `keep` says
    that what the work wrote stays (a declined payment is a fact, not an accident).
    """

    status = 400
    type = "invalid_request_error"
    executed = False
    keep = False

    def __init__(self, message: str, *, code: str | None = None, param: str | None = None, **extra: Any) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.param = param
        self.extra = extra

    def body(self, request_log_url: str = "") -> dict[str, Any]:
        """Return the JSON body."""
        error: dict[str, Any] = {"message": self.message, "type": self.type}
        if self.code:
            error["code"] = self.code
            error["doc_url"] = "https://docs.stripe.com/error-codes/" + self.code.replace("_", "-")
        if self.param:
            error["param"] = self.param
        if request_log_url:
            error["request_log_url"] = request_log_url
        error.update(self.extra)
        return {"error": error}


class InvalidRequest(ApiError):
    """400: the parameters are wrong; nothing was begun and nothing is remembered."""


class Refused(ApiError):
    """400: the parameters are well formed, but the state of the object or of the balance says no."""

    executed = True


class Unauthorized(ApiError):
    """401: no key, or not one of ours."""

    status = 401


class Forbidden(ApiError):
    """403: the key may not act for that account."""

    status = 403


class Missing(ApiError):
    """404: no such object (`resource_missing`) or no such address."""

    status = 404


class CardError(ApiError):
    """402: the card's bank says no; what was tried stays on record."""

    status = 402
    type = "card_error"
    executed = True
    keep = True


class KeyMismatch(ApiError):
    """400: the idempotency key was used before with other parameters."""

    type = "idempotency_error"


class KeyInUse(ApiError):
    """409: a request with the same idempotency key is still at work."""

    status = 409


class RateLimited(ApiError):
    """429: too many requests."""

    status = 429


class ServerFault(ApiError):
    """500: something broke on our side, before or after the work; it is remembered under the idempotency key."""

    status = 500
    type = "api_error"
    executed = True


class LostResponse(ConnectionError):
    """The work was done (or not), but the answer never leaves the house: the connection is cut."""


def missing(kind: str, identifier: str, param: str | None = None) -> Missing:
    """Return the 404 for an object that does not exist, naming the parameter that carried its id."""
    return Missing(f"No such {kind}: '{identifier}'", code="resource_missing", param=param or "id")
