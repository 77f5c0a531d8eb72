"""How do people read a date as a source gives it, in EDTF?

``2018-06-21/2018-06-24`` is a time from one day to another, ``2021/..`` one that goes on. Where an
interval is made of whole years its days only hide them: 2017-01-01/2017-12-31 is 2017.
"""

from __future__ import annotations


def read_ends(text: str) -> tuple[str, str]:
    """Return what stands before and after the slash of an interval; a date alone is a beginning."""
    start, slash, end = text.partition("/")
    start, end = start.removeprefix(".."), end.removesuffix("..")
    is_year = start.endswith("-01-01") or not start, end.endswith("-12-31") or not end
    if slash and (start or end) and all(is_year):
        return start.removesuffix("-01-01"), end.removesuffix("-12-31")
    return start, end


def write_edtf(text: str) -> str:
    """Return a date as it is read: ``2014/2015`` is 2014 – 2015, ``2021/..`` 2021 – …"""
    start, end = read_ends(text)
    if "/" not in text or start == end:
        return start
    return f"{start or '…'} – {end or '…'}"
