"""Finding listings: by words, by place, by filters, in any order, page by page."""

from marketplace.search.browse import Results, browse
from marketplace.search.filters import RADII_KM, Filters, home_origin

__all__ = ["RADII_KM", "Filters", "Results", "browse", "home_origin"]
