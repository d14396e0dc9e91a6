"""Logs hold identifiers, never content: the message of an exception may quote what somebody wrote, so it is left out."""

import logging
import re
import time
import traceback
from types import TracebackType

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]

# Whoever has such an address may do what it is for, so the last part is left out: Django logs the address of a refusal.
TICKETS = re.compile(r"(/(?:einladung|rueckmeldung|key|abo)/)[^/\s]+")


class DiscreetFormatter(logging.Formatter):
    """Lines in UTC. Says where something failed and with what kind of error, for every link of the chain, but not with which words."""

    converter = staticmethod(time.gmtime)  # type: ignore[assignment]
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def format(self, record: logging.LogRecord) -> str:
        """As usual, but without what another formatter has kept of the error."""
        record.exc_text = None
        line = TICKETS.sub(r"\1…", super().format(record))
        record.exc_text = None
        return line

    def formatException(self, ei: ExcInfo) -> str:  # noqa: N802  (the name is logging's)
        """The frames and the types, without the messages and without the line that a traceback would quote of them."""
        lines: list[str] = []
        error: BaseException | None = ei[1]
        while error is not None:
            frames = traceback.extract_tb(error.__traceback__)
            lines += [f"  {frame.filename}:{frame.lineno} in {frame.name}" for frame in frames]
            lines.append(f"{type(error).__module__}.{type(error).__qualname__}")
            error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        return "\n".join(lines)
