"""Operators, subscribers, users, projects and their sessions."""
