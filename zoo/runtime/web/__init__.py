"""Responses of web servers, which end in time and are no longer than they promise."""
