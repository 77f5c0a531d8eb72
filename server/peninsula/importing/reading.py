"""What sort of file holds a table, and who reads it?"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from peninsula.errors import InvalidTable, ParameterError, display_path
from peninsula.importing.delimited import DelimitedFile
from peninsula.importing.dialects import Dialect, check_encoding
from peninsula.importing.rows import TableFile
from peninsula.importing.workbooks import Workbook, is_workbook

_OLD: Final = b"\xd0\xcf\x11\xe0"


def open_table(path: Path, dialect: Dialect, *, sheet: str = "", encoding: str = "") -> TableFile:
    """Return the table of a file, or of a sheet of a workbook; raises InvalidTable."""
    try:
        with path.open("rb") as file:
            head = file.read(4)
    except OSError as error:
        raise InvalidTable(
            f"{display_path(path)}: it cannot be read ({error.strerror}).", "Mend the path."
        ) from None
    if head == _OLD:
        raise InvalidTable(
            f"{display_path(path)}: this is an old spreadsheet (.xls), or one with a password.",
            "Save it as .xlsx, without a password, and give that file.",
        )
    if is_workbook(path, head):
        return Workbook.open(path).table(sheet, dialect)
    if sheet:
        raise ParameterError(
            f"{display_path(path)} has no sheets: it is no workbook.", "Leave --sheet out."
        )
    if encoding:
        try:
            check_encoding(encoding)
        except ValueError as error:
            raise ParameterError(f"--encoding: {error}.", "Such as windows-1251.") from None
    return DelimitedFile(path, dialect, encoding)
