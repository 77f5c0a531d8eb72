"""How does an answer become a table of pandas or polars, with the types of its values?

A column gets the type that holds all of its values exactly: whole numbers Int64, truth values
boolean, moments datetime. What none holds stays as the Python objects that they are (pandas), or
as text (polars).
"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from peninsula.client.problems import PeninsulaClientError
from peninsula.client.terms import Literal, Text, Value

Column = Sequence[Value | None]
_INT64: Final = range(-(2**63), 2**63)
#: Digits that a decimal of polars holds.
_DIGITS: Final = 38


def choose_library(name: str | None) -> str:
    """Return ``pandas`` or ``polars``: the one that is asked for, else the one that is there."""
    offered = ("pandas", "polars")
    if name is not None and name not in offered:
        raise ValueError(f"frame is one of {' and '.join(offered)}, not {name!r}")
    for library in (name,) if name else offered:
        if importlib.util.find_spec(library):
            return library
    wanted = name or "pandas nor polars"
    raise PeninsulaClientError(
        f"{'Neither ' if name is None else ''}{wanted} is {'not ' if name else ''}installed: "
        "pip install pandas; or take the values as they are with select()."
    )


def _kind(values: Column) -> str:
    """Return what all values of a column are: a name of a type, ``object`` where they differ."""
    kinds = {_kind_of(value) for value in values if value is not None}
    return kinds.pop() if len(kinds) == 1 else "object" if kinds else "empty"


def _kind_of(value: Value) -> str:  # noqa: PLR0911, one a case
    match value:
        case bool():
            return "bool"
        case int():
            return "int" if value in _INT64 else "big"
        case float():
            return "float"
        case Decimal():
            return "decimal"
        case datetime():
            if value.tzinfo is None:
                return "naive"
            return "utc" if value.utcoffset() == timedelta(0) else "zoned"
        case date():
            return "date"
        case _:
            # Subclasses of str are told apart: a frame of texts would forget them.
            return type(value).__name__


def to_pandas(variables: Sequence[str], rows: Sequence[Sequence[Value | None]]) -> Any:
    """Return a DataFrame of pandas.

    IRIs, texts with a language, days and decimals are objects of Python in columns of objects.
    """
    import pandas as pd  # type: ignore[import-untyped] # noqa: PLC0415

    columns: dict[str, Any] = {}
    for place, name in enumerate(variables):
        values = [row[place] for row in rows]
        columns[name] = _pandas_column(pd, values)
    return pd.DataFrame(columns, columns=list(variables), index=pd.RangeIndex(len(rows)))


def _pandas_column(pd: Any, values: list[Value | None]) -> Any:  # noqa: PLR0911, one a case
    kind = _kind(values)
    match kind:
        case "int":
            return pd.Series(values, dtype="Int64")
        case "bool":
            return pd.Series(values, dtype="boolean")
        case "float" if None not in values:
            return pd.Series(values, dtype="float64")
        case "float" if not any(isinstance(v, float) and math.isnan(v) for v in values):
            return pd.Series(values, dtype="Float64")
        case "naive":
            return pd.Series(values, dtype="datetime64[us]")
        case "utc":
            return pd.Series(values, dtype="datetime64[us, UTC]")
    return pd.Series(values, dtype="object")


def to_polars(variables: Sequence[str], rows: Sequence[Sequence[Value | None]]) -> Any:
    """Return a DataFrame of polars.

    Polars holds plain texts: IRIs are String. Where a column has texts with languages, a column
    ``<name>_language`` follows; where it has literals of other datatypes, ``<name>_datatype``.
    """
    import polars as pl  # noqa: PLC0415

    series: list[Any] = []
    names = set(variables)
    for place, name in enumerate(variables):
        values = [row[place] for row in rows]
        series.append(_polars_column(pl, name, values))
        beside = {
            "language": [v.language if isinstance(v, Text) else None for v in values],
            "datatype": [str(v.datatype) if isinstance(v, Literal) else None for v in values],
        }
        for what, told in beside.items():
            if any(told) and (other := f"{name}_{what}") not in names:
                series.append(pl.Series(other, told, dtype=pl.String))
    return pl.DataFrame(series)


def _polars_column(pl: Any, name: str, values: list[Value | None]) -> Any:  # noqa: PLR0911, one a case
    kind = _kind(values)
    match kind:
        case "int":
            return pl.Series(name, values, dtype=pl.Int64)
        case "bool":
            return pl.Series(name, values, dtype=pl.Boolean)
        case "float":
            return pl.Series(name, values, dtype=pl.Float64)
        case "date":
            return pl.Series(name, values, dtype=pl.Date)
        case "naive":
            return pl.Series(name, values, dtype=pl.Datetime("us"))
        case "utc":
            moments = [v.astimezone(UTC) if isinstance(v, datetime) else None for v in values]
            return pl.Series(name, moments, dtype=pl.Datetime("us", "UTC"))
        case "decimal" if (scale := _scale(values)) is not None:
            return pl.Series(name, values, dtype=pl.Decimal(_DIGITS, scale))
    return pl.Series(name, [None if v is None else _plain(v) for v in values], dtype=pl.String)


def _scale(values: Column) -> int | None:
    """Return the digits after the point that all decimals need; None where they do not fit."""
    scale = whole = 0
    for value in values:
        if isinstance(value, Decimal):
            _, digits, exponent = value.as_tuple()
            assert isinstance(exponent, int)
            scale = max(scale, -exponent)
            whole = max(whole, len(digits) + exponent)
    return scale if scale + max(whole, 1) <= _DIGITS else None


def _plain(value: Value) -> str:
    match value:
        case bool():
            return str(value).lower()
        case Decimal():
            return format(value, "f")
        case date():
            return value.isoformat()
    return str(value)
