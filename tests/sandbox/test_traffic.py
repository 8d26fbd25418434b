"""Traffic against a real local server: order, versions, failures, stopping."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from namecard_release.errors import MisuseError
from namecard_release.sandbox import processes
from namecard_release.sandbox.traffic import BackgroundTraffic, Outcome, run_traffic, summarise


class Platform(BaseHTTPRequestHandler):
    """Answers as the platform does; `cards` fails."""

    def do_GET(self) -> None:
        failing = self.path.endswith("/cards")
        body = b'{"message": "no"}' if failing else b'{"version": "abc"}'
        self.send_response(500 if failing else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        return


@pytest.fixture
def base() -> Iterator[str]:
    with ThreadingHTTPServer((processes.LOOPBACK, 0), Platform) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"http://{processes.LOOPBACK}:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_requests_go_round_robin(base: str) -> None:
    outcomes = list(run_traffic(base, "dev", ("auth", "cards"), rate_per_second=50, seconds=0.2))
    assert [outcome.service for outcome in outcomes] == ["auth", "cards"] * 5
    found = summarise(outcomes)
    assert (found.sent, found.failed) == (10, 5)
    assert found.statuses == {200: 5, 500: 5}
    assert found.versions == {"abc": 5}


def test_a_server_that_is_not_there_is_an_outcome() -> None:
    base = f"http://{processes.LOOPBACK}:{processes.free_port()}"
    (outcome,) = run_traffic(base, "dev", ("auth",), rate_per_second=10, seconds=0.05)
    assert (outcome.status, outcome.version, outcome.ok) == (0, None, False)


def test_background_traffic_stops(base: str) -> None:
    seen = threading.Event()
    with BackgroundTraffic(base, "dev", ("auth",), 50, on_outcome=lambda _: seen.set()) as traffic:
        assert seen.wait(5)
    count = len(traffic.outcomes())
    assert count == traffic.stop().sent


def test_summary_finds_the_failing_stretch() -> None:
    outcomes = [Outcome(at, "auth", status, None, 0.1) for at, status in ((4, 200), (1, 200), (2, 500), (3, 500))]
    found = summarise(outcomes)
    assert (found.first_failure, found.first_success_after_failure) == (2, 4)


def test_no_outcome_sums_up_to_nothing() -> None:
    found = summarise([])
    assert (found.sent, found.first_failure, found.median_seconds) == (0, None, None)


@pytest.mark.parametrize(("services", "rate"), [((), 1.0), (("auth",), 0.0)])
def test_senseless_traffic_is_refused(services: tuple[str, ...], rate: float) -> None:
    with pytest.raises(MisuseError):
        list(run_traffic("http://127.0.0.1", "dev", services, rate, 1))
