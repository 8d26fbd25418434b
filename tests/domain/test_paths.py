"""Paths without what is of one request alone."""

from __future__ import annotations

import pytest

from namecard_release.domain.paths import service_of_path, template_path


@pytest.mark.parametrize(
    ("path", "template"),
    [
        ("/staging/v1/cards", "/v1/cards"),
        ("/v1/cards/", "/v1/cards"),
        ("/v1/cards/8f14e45f-ceea-4672-9d54-1a2b3c4d5e6f?limit=2", "/v1/cards/{id}"),
        ("/v1/cards/1234/notes/5", "/v1/cards/{id}/notes/{id}"),
        ("/prod/v2/uploads/deadbeefdeadbeef", "/v2/uploads/{id}"),
        ("/v1/auth/ada@example.com", "/v1/auth/{id}"),
        ("/v1/auth/ada%40example.com", "/v1/auth/{id}"),
        ("/v1/search/eyJhbGciOiJIUzI1NiIs9", "/v1/search/{id}"),
        ("/v1/enrichment/health", "/v1/enrichment/health"),
        ("/v1/cards/{proxy+}", "/v1/cards/{proxy+}"),
        ("", ""),
        ("/", "/"),
        ("/v1/" + "way/" * 300, ("/v1/" + "way/" * 300)[:200]),
    ],
)
def test_template(path: str, template: str) -> None:
    assert template_path(path) == template


@pytest.mark.parametrize(
    ("path", "service"),
    [("ANY /v1/cards/{proxy+}", "cards"), ("/staging/v1/ocr/3", "ocr"), ("/favicon.ico", ""), ("", ""), ("/v1", "")],
)
def test_service(path: str, service: str) -> None:
    assert service_of_path(path) == service
