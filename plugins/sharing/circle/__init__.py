"""Circles: people around somebody who needs a hand, with a calendar that only they see."""
