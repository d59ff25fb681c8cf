"""Operators' work: the audit trail and the pages from which a site is run."""
