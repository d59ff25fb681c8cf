"""The API of prices, uses and readings; importing its modules declares their operations."""

from plugins.sharing import use_api_prices, use_api_readings, use_api_uses
from plugins.sharing.use_api_part import part

DECLARING = (use_api_prices, use_api_uses, use_api_readings)

blueprint = part.blueprint
