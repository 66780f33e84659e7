"""Hypothesis without deadlines: the first call of a space builds its tables."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("spaces", deadline=None)
settings.load_profile("spaces")
