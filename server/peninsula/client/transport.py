"""How does a request reach the server, and when is it sent again?

By the standard library. Bodies come compressed. A server that has no room says when to come again,
and is asked again then. A token goes to the server that it was given for, and to no other to
which that one redirects.
"""

from __future__ import annotations

import gzip
import http.client
import io
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from typing import Final

from peninsula import __version__
from peninsula.client.problems import TimedOut, UnexpectedAnswer, Unreachable, read_problem

AGENT: Final = f"peninsula-client/{__version__}"
#: Longest wait that a server may ask for, in seconds.
_LONGEST_WAIT: Final = 60.0
#: Bytes of an answer, decompressed.
MOST_BYTES: Final = 1 << 30
_AGAIN: Final = frozenset({429, 503})


@dataclass(frozen=True)
class Response:
    """What came back: status, headers by their names in lower case, body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "")

    @property
    def generation(self) -> int:
        """Return the generation that the answer is from, 0 where the server tells none."""
        text = self.headers.get("peninsula-generation", "")
        return int(text) if text.isdecimal() else 0


@dataclass(frozen=True)
class Transport:
    """Sends requests to one server. Times in seconds."""

    base: str
    token: str | None = None
    timeout: float = 60.0
    retries: int = 3
    most_bytes: int = MOST_BYTES

    def send(
        self,
        method: str,
        address: str,
        *,
        parameters: Mapping[str, str] | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """Return the response; raises PeninsulaClientError where it tells a failure."""
        url = urllib.parse.urljoin(self.base, address)
        if parameters:
            url += ("&" if "?" in url else "?") + urllib.parse.urlencode(parameters)
        for left in range(self.retries, -1, -1):
            response = self._send_once(method, url, body, headers or {})
            if response.status in _AGAIN and left:
                time.sleep(_wait(response.headers.get("retry-after", ""), self.retries - left))
                continue
            if 200 <= response.status < 300:
                return response
            raise read_problem(response.status, response.content_type, response.body)
        raise AssertionError("unreachable")

    def _send_once(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Response:
        request = urllib.request.Request(url, data=body, method=method)  # noqa: S310, see Client
        sent = {"User-Agent": AGENT, "Accept-Encoding": "gzip", **headers}
        for name, value in sent.items():
            request.add_header(name, value)
        if self.token:
            # Not for whom the server redirects to.
            request.add_unredirected_header("Authorization", f"Bearer {self.token}")
        try:
            with urllib.request.urlopen(request, timeout=self.timeout) as answer:  # noqa: S310
                return self._read(answer.status, answer.headers, answer)
        except urllib.error.HTTPError as error:
            with error:
                return self._read(error.code, error.headers, error)
        except TimeoutError:
            raise self._late(url) from None
        except urllib.error.URLError as error:
            if isinstance(error.reason, TimeoutError):
                raise self._late(url) from None
            raise Unreachable(f"Nobody answers at {_origin(url)}: {error.reason}.") from None
        except (http.client.HTTPException, OSError) as error:
            reason = str(error) or type(error).__name__
            raise Unreachable(f"The answer of {_origin(url)} was broken off: {reason}.") from None

    def _late(self, url: str) -> TimedOut:
        return TimedOut(f"{_origin(url)} gave no answer within {self.timeout:g} s.")

    def _read(self, status: int, headers: Message, answer: object) -> Response:
        raw: io.BufferedIOBase = answer  # type: ignore[assignment]
        named = {name.lower(): value for name, value in headers.items()}
        source = gzip.GzipFile(fileobj=raw) if named.get("content-encoding") == "gzip" else raw
        try:
            body = source.read(self.most_bytes + 1)
        except (EOFError, gzip.BadGzipFile):
            raise Unreachable("The answer was broken off.") from None
        if len(body) > self.most_bytes:
            raise UnexpectedAnswer(
                f"The answer is longer than {self.most_bytes:,} bytes; ask for less, or let the "
                "client take more (most_bytes)."
            )
        return Response(status, named, body)


def _wait(asked: str, tried: int) -> float:
    """Return the seconds to wait: those that the server asks for, or more with each try."""
    try:
        seconds = float(asked)
    except ValueError:
        seconds = float(2**tried) / 2
    return min(max(seconds, 0.0), _LONGEST_WAIT)


def _origin(url: str) -> str:
    parts = urllib.parse.urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
