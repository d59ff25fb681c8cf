"""The plugin's part of the API; importing its modules declares their operations."""

from plugins.funding import api_campaigns, api_pledges, api_rewards
from plugins.funding.api_part import part

DECLARING = (api_campaigns, api_rewards, api_pledges)

blueprint = part.blueprint
