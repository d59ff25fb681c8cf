"""The account number to which members transfer money: a typing error in it is seen when it is typed."""

from __future__ import annotations

import pytest
from flask import Flask

from marketplace.errors import InvalidInput
from marketplace.settings import service


@pytest.mark.parametrize("typed", ["NL00BANK0123456789", "NL91ABNA041716430", "our account"])
def test_an_account_number_with_a_typing_error_is_refused(app: Flask, typed: str) -> None:
    with pytest.raises(InvalidInput, match="is there a typing error"):
        service.set_value("offline.account", typed, None)
    assert service.get("offline.account") == ""


def test_an_account_number_may_be_typed_as_people_write_it_and_taken_away_again(app: Flask) -> None:
    service.set_value("offline.account", "NL91 ABNA 0417 1643 00", None)
    assert service.get("offline.account") == "NL91 ABNA 0417 1643 00"
    service.set_value("offline.account", "", None)
