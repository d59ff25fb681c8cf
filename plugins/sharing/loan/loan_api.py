"""The API of loans; importing its modules declares their operations."""

from plugins.sharing.loan import claim_api, hand_over_api, loan_api_book, loan_api_time
from plugins.sharing.loan.loan_api_part import part

DECLARING = (loan_api_book, hand_over_api, loan_api_time, claim_api)

blueprint = part.blueprint
