"""Notifications: an in-app list, and mail through a job."""
