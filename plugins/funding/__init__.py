"""Crowdfunding: all-or-nothing campaigns with rewards."""
