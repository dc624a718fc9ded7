"""Times as workload files write them: `HH:MM:SS`, `DD:HH:MM:SS`, with or without fractions and a leading `+`."""

import re

from placement.leases import FOREVER
from placement.simulate.workload import WorkloadError

_TIME = re.compile(r"\+?(?:(\d+):)?(\d+):(\d{1,2}):(\d{1,2})(?:\.(\d+))?", re.ASCII)


def read_time(text: str, where: str) -> int:
    """Seconds, a fraction rounded to the nearest second (half a second up).

    Raises:
        WorkloadError: the text is no time.
    """
    found = _TIME.fullmatch(text.strip())
    if found is None or int(found[3]) > 59 or int(found[4]) > 59:
        raise WorkloadError(f"{where}: {text!r} is not a time; write HH:MM:SS or DD:HH:MM:SS, fractions allowed")
    days, hours, minutes, seconds, fraction = found.groups()
    whole = ((int(days or 0) * 24 + int(hours)) * 60 + int(minutes)) * 60 + int(seconds)
    if whole >= FOREVER // 2:
        raise WorkloadError(f"{where}: {text!r} lies too far ahead; no workload lasts for millennia")
    return whole + (1 if fraction and int(fraction[0]) >= 5 else 0)


def read_duration(text: str, where: str) -> int:
    """Seconds of a duration: as `read_time`, but a fraction of a second counts as one second.

    Raises:
        WorkloadError: the text is no time, or the duration is zero.
    """
    seconds = read_time(text, where)
    if seconds == 0 and re.search(r"\.\d*[1-9]", text):
        return 1
    if seconds == 0:
        raise WorkloadError(f"{where}: a duration of {text!r} is nothing; give at least one second")
    return seconds


def write_time(seconds: int) -> str:
    """`HH:MM:SS.00`, hours beyond 24 as they are, days only from 100 hours on."""
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    if hours < 100:
        return f"{hours:02}:{minute:02}:{second:02}.00"
    return f"{days:02}:{hour:02}:{minute:02}:{second:02}.00"
