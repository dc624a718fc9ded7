"""Figures: rates between samples, shares of hosts, sizes in both languages."""

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask

from sirocco.cmdb.models import Host, UsageSample
from sirocco.contracts.errors import QUOTA, SiroccoError
from sirocco.contracts.states import HostState
from sirocco.domain.limits import check_machine
from web import failures, formats, language
from web.use import host_use, rates

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def sample(second, cpu, received=0):
    return UsageSample(
        at=NOON + timedelta(seconds=second), cpu_time=cpu, memory=7, read=0, written=0, received=received, sent=0
    )


def test_rates_are_differences_over_time_latest_first():
    latest, first = rates([sample(0, 0), sample(10, 5_000_000_000, 100), sample(20, 20_000_000_000, 400)])
    assert (first.cores, first.received) == (0.5, 10)
    assert (latest.cores, latest.received) == (1.5, 30)


def test_a_machine_that_booted_anew_gives_no_rate_across_the_boot():
    assert [rate.cores for rate in rates([sample(0, 9_000_000_000), sample(10, 0), sample(20, 10_000_000_000)])] == [1]
    assert rates([sample(0, 0)]) == []


@pytest.mark.parametrize(("claimed", "level"), [(5, ""), (7, "high"), (9, "full")])
def test_a_host_is_marked_by_its_fullest_part(claimed, level):
    host = Host(cores=10, cores_claimed=claimed, overbooking=1.0, memory=0, memory_claimed=0, load=0.1)
    host.disk, host.disk_claimed, host.state = 100, 1, HostState.ONLINE
    assert (host_use(host).cores, host_use(host).level) == (claimed / 10, level)
    host.state = HostState.DRAINING
    assert host_use(host).level == "away"


@pytest.mark.parametrize(
    ("tongue", "bytes_", "said"),
    [
        ("en", 1536 * 2**20, "1.5 GiB"),
        ("fr", 1536 * 2**20, "1,5 Gio"),
        ("en", 0, "0 B"),
        ("fr", 1023, "1\u202f023 o"),
        ("en", None, "∞"),
    ],
)
def test_sizes_read_naturally(tongue, bytes_, said):
    app = Flask("test")
    language.set_up(app)
    with app.test_request_context(headers={"Accept-Language": tongue}):
        assert formats.size(bytes_) == said


def told(tongue, refusal):
    app = Flask("test")
    language.set_up(app)
    with app.test_request_context(headers={"Accept-Language": tongue}):
        return failures.message(refusal)


@pytest.mark.parametrize(
    ("tongue", "said"),
    [
        ("en", "Memory: 1 MiB is not between 16 MiB and 16 TiB."),
        ("fr", "Mémoire : 1 Mio n'est pas entre 16 Mio et 16 Tio."),
    ],
)
def test_a_refused_size_is_told_with_its_unit(tongue, said):
    with pytest.raises(SiroccoError) as refused:
        check_machine(1, 2**20, ())
    assert told(tongue, refused.value) == said
    with pytest.raises(SiroccoError) as refused:
        check_machine(1000, 2**30, ())
    assert "1000" in told(tongue, refused.value)


def test_a_quota_of_bytes_is_told_with_units_and_one_of_pieces_without():
    memory = SiroccoError(QUOTA, resource="memory", used=2**30, wanted=2**31, ceiling=3 * 2**29)
    assert "1 GiB used, 2 GiB wanted, 1.5 GiB allowed" in told("en", memory)
    machines = SiroccoError(QUOTA, resource="machines", used=1, wanted=2, ceiling=2)
    assert "1 used, 2 wanted, 2 allowed" in told("en", machines)


@pytest.mark.parametrize(
    ("agent", "said"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "Firefox on Linux"),
        (
            "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 Chrome/130.0 Mobile Safari/537.36",
            "Chrome on Android",
        ),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/130.0 Safari/537.36 Edg/130.0", "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1", "Safari on iOS"),
        ("curl/8.5.0", "curl/8.5.0"),
        ("", "unknown"),
    ],
)
def test_browsers_are_known_by_name(agent, said):
    app = Flask(__name__)
    language.set_up(app)
    with app.test_request_context():
        assert formats.browser(agent) == said
