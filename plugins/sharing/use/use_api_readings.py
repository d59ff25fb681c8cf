"""The API for devices: batches of readings, signed with the device's secret."""

from __future__ import annotations

from flask import request
from sqlalchemy import select

from marketplace.api import Agreement, api_v1, db, settings
from plugins.sharing.use import device_keys, intake, reaching, sessions
from plugins.sharing.use.device_keys import BadSignature
from plugins.sharing.use.intake import Given
from plugins.sharing.use.use_api_part import DEVICES, part
from plugins.sharing.use.use_api_shapes import Batch, Stored, UseNow
from plugins.sharing.use.use_models import Device


@part.operation("POST", "/sharing/readings", tag=DEVICES, public=True, body=Batch, returns=Stored, errors=(401, 409))
def send_readings(call: api_v1.Call[Batch, api_v1.Query]) -> Stored:
    """Store a device's readings: all of the batch, or nothing and a message for each faulty one.

    No token is needed. The request carries `webhook-id`, `webhook-timestamp` (seconds since 1970, within five minutes) and
    `webhook-signature`: `v1,` and the base64 of the HMAC-SHA-256 of `id.timestamp.body` with the device's secret, after
    Standard Webhooks. A reading that was stored before changes nothing, so a batch without an answer is simply sent again.
    Each device may send so many requests a minute (`sharing.device_requests_per_minute`, 60 at first); beyond that the answer
    is 429 with `Retry-After`, and what was not taken is sent again then, in fewer, larger batches.
    """
    device = _device(call.body.device)
    batch = [
        Given(one.taken_at, one.registers, one.state, one.number, one.event, one.use_id) for one in call.body.readings
    ]
    taken = intake.take(device, batch)
    return Stored(new=taken.new, known=taken.known, uses=[_now(use_id) for use_id in taken.sessions])


def _device(device_id: int) -> Device:
    """Give the device that signed this request; raises BadSignature, also for one that does not exist."""
    device = db.session.scalars(select(Device).where(Device.id == device_id, Device.revoked_at.is_(None))).one_or_none()
    # For one that does not exist a secret that nobody knows is checked, so that the answer is the same.
    device_keys.check(
        request.get_data(cache=True), request.headers, device.secret if device else device_keys.new_secret()
    )
    if device is None:
        raise BadSignature("")
    api_v1.often(f"device {device.id}", int(settings.get("sharing.device_requests_per_minute")))
    return device


def _now(use_id: int) -> UseNow:
    agreement, session = db.session.get_one(Agreement, use_id), sessions.of(use_id)
    going = session.standing and session.started_at is not None
    running = sessions.running_total(session) if going else None
    reached = reaching.of(session, running).bound
    return UseNow(
        id=use_id, state=agreement.state, total_minor=running.total if running else None, limit_reached=reached
    )
