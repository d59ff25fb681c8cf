"""Finding listings: by words, by place, by filters, in any order, page by page."""

from marketplace.search.browse import Results, browse
from marketplace.search.filters import Filters

__all__ = ["Filters", "Results", "browse"]
