"""What operators set while the site runs; a setting without a row has its default."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.database import Base, BigIntId, Json, UtcDateTime


class SettingValue(Base):
    """The value of one setting, JSON-ready: decimals as text, amounts as whole minor units of the site's currency."""

    __tablename__ = "setting_value"

    key: Mapped[str] = mapped_column(String(80), primary_key=True)
    value: Mapped[Any] = mapped_column(Json)
    version: Mapped[int] = mapped_column(default=1, server_default="1")
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_by: Mapped[int | None] = mapped_column(BigIntId, ForeignKey("user.id"))
