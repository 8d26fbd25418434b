"""Probes against a server on loopback."""

from __future__ import annotations

import socket
import threading

import pytest

from namecard_release.adapters.probes import HttpProber, version_in
from tests.adapters.conftest import Site


@pytest.mark.parametrize(
    ("body", "version"),
    [
        (b'{"version": "v1", "status": "ok"}', "v1"),
        (b'{"version": 7}', None),
        (b'{"status": "ok"}', None),
        (b'["version"]', None),
        (b"<html>", None),
        (b"\xff\xfe", None),
        (b"[" * 60000, None),
        (b"", None),
    ],
)
def test_the_version_of_a_body(body: bytes, version: str | None) -> None:
    assert version_in(body) == version


@pytest.mark.parametrize("status", [200, 301, 404, 500, 503])
def test_an_answer_is_told_as_it_is(http: Site, status: int) -> None:
    http.serve(lambda method, path, body: (status, b'{"version": "v1"}'))
    (probe,) = HttpProber().probe(http.url + "/staging/", ["auth"])
    assert (probe.service, probe.status, probe.version, probe.error) == ("auth", status, "v1", "")
    assert probe.url == f"{http.url}/staging/v1/auth/health" and probe.milliseconds > 0


def test_services_are_asked_side_by_side_and_told_in_order(http: Site) -> None:
    services = ["auth", "cards", "ocr", "enrichment", "uploads", "search"]
    together = threading.Barrier(len(services), timeout=5)

    def answer(method: str, path: str, body: bytes) -> tuple[int, bytes]:
        together.wait()
        return 200, b'{"version": "' + path.split("/")[2].encode() + b'"}'

    http.serve(answer)
    probes = HttpProber().probe(http.url, services)
    assert [(p.service, p.status, p.version) for p in probes] == [(name, 200, name) for name in services]


@pytest.mark.parametrize(("lost", "status"), [(1, 200), (2, None)])
def test_a_lost_connection_is_tried_once_more(http: Site, lost: int, status: int | None) -> None:
    paths: list[str] = []

    def answer(method: str, path: str, body: bytes) -> tuple[int, bytes] | None:
        paths.append(path)
        return None if len(paths) <= lost else (200, b"{}")

    http.serve(answer)
    (probe,) = HttpProber().probe(http.url, ["auth"])
    assert probe.status == status and len(paths) == 2
    assert bool(probe.error) is (status is None)


def test_silence_is_no_answer_and_not_tried_again() -> None:
    with socket.socket() as quiet:
        quiet.bind(("127.0.0.1", 0))
        quiet.listen()
        (probe,) = HttpProber(timeout_seconds=0.2).probe(f"http://127.0.0.1:{quiet.getsockname()[1]}", ["auth"])
    assert probe.status is None and "Timeout" in probe.error and probe.milliseconds < 2000


@pytest.mark.parametrize("base", ["ftp://host", "nonsense", "http://", "http://host:port", "http://127.0.0.1:1/a b"])
def test_no_address_is_no_answer(base: str) -> None:
    (probe,) = HttpProber().probe(base, ["auth"])
    assert probe.status is None and probe.error


def test_nothing_to_ask() -> None:
    assert HttpProber().probe("http://127.0.0.1:1", []) == ()
