"""The API of prices, uses and readings; importing its modules declares their operations."""

from plugins.sharing.use import use_api_account, use_api_owner, use_api_prices, use_api_readings, use_api_uses
from plugins.sharing.use.use_api_part import part

DECLARING = (use_api_prices, use_api_uses, use_api_account, use_api_owner, use_api_readings)

blueprint = part.blueprint
