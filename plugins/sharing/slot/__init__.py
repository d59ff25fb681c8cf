"""Occupancy: who has a unit when, why a slot is closed, and other sites' calendars."""
