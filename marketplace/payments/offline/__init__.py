"""Payments without a provider: bank transfers and cash that people make themselves and somebody confirms."""
