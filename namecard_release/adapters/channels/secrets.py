"""The channels' secrets, read when they are first needed, and known to the redaction from then on."""

from __future__ import annotations

import os
from collections.abc import Callable

from pydantic import SecretStr

from namecard_release.adapters.aws_clients import AwsClients
from namecard_release.adapters.aws_errors import aws_errors_told
from namecard_release.channel_settings import SecretSource
from namecard_release.errors import PermanentError
from namecard_release.redaction import know_secrets

# Gives the clients of a region.
Clients = Callable[[str], AwsClients]


class Secret:
    """One secret: read once, and again after `forget`, for somebody may have renewed it."""

    def __init__(self, source: SecretSource, clients: Clients) -> None:
        self._source, self._clients = source, clients
        self._value: SecretStr | None = None
        self.name = source.name

    def read(self) -> str:
        """Give the secret. Raises PermanentError when there is none, TransientError when AWS does not answer."""
        if self._value is None:
            value = self._from_environment() if self._source.variable else self._from_aws()
            if not value.strip():
                raise PermanentError(f"{self.name} is empty or not set: put the channel's secret there")
            know_secrets([value.strip()])
            self._value = SecretStr(value.strip())
        return self._value.get_secret_value()

    def forget(self) -> None:
        """Read it anew the next time."""
        self._value = None

    def _from_environment(self) -> str:
        return os.environ.get(self._source.variable or "", "")

    def _from_aws(self) -> str:
        with aws_errors_told(f"read {self.name}"):
            answer = self._clients(self._source.region).secrets.get_secret_value(SecretId=self._source.secret or "")
        return answer.get("SecretString", "")
