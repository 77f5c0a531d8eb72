"""What is loaded into the process that forks readers starts no threads there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from peninsula.dataset.zygote import ENVIRONMENT


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="threads are counted in /proc")
def test_the_library_of_columns_starts_no_threads() -> None:
    program = "import os, peninsula.columnar; print(len(os.listdir('/proc/self/task')))"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, **ENVIRONMENT}, capture_output=True, check=True, timeout=60,
    )  # fmt: skip
    assert done.stdout == b"1\n"
