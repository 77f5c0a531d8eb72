"""Where do the data come from, and how far do they reach?"""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("about", __name__)
