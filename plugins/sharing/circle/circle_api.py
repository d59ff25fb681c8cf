"""The API of circles; importing its modules declares their operations."""

from plugins.sharing.circle import circle_api_moments, circle_api_people, circle_api_turns
from plugins.sharing.circle.circle_api_part import part

DECLARING = (circle_api_moments, circle_api_turns, circle_api_people)

blueprint = part.blueprint
