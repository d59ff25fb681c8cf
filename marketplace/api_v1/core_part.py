"""The core's own operations are declared on this part."""

from marketplace.api_v1.parts import ApiPart
from marketplace.api_v1.scopes import SCOPES

core = ApiPart("api_v1", SCOPES)
