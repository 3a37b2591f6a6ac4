"""The one connection pool to an API server: requests and streams as bytes, each with its time-out and its limit.

The official client brings credentials and TLS; its generated models and its answers are not used: a first
server-side apply (HTTP 201) comes back from them as None, and its headers hold one Impersonate-Group only.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

import aiohttp
from kubernetes.aio.client import ApiClient, Configuration
from kubernetes.aio.config import ConfigException
from multidict import CIMultiDict

from adit.cluster.cluster import ClusterUnavailable, Manifest
from adit.cluster.kubernetes.answers import Answer, refusal, retry_after
from adit.cluster.kubernetes.credentials import Credentials
from adit.cluster.kubernetes.sockets import Sockets

JSON = "application/json"
CONNECT_SECONDS = 5.0
REQUEST_SECONDS = 15.0
# an object of etcd has at most 1.5 MiB; JSON, base64 and managed fields make more of it
MAX_ANSWER_BYTES = 8 * 1024 * 1024
_MAX_REFUSAL_BYTES = 1024 * 1024
_TRIES = 3
_MAX_PAUSE_SECONDS = 5.0


class TooLarge(ClusterUnavailable):
    """The answer is larger than the caller can take."""

    default_reason = "TooLarge"


@dataclass(frozen=True, slots=True)
class Call:
    """One request; `about` names its object or kind in what goes wrong."""

    method: str
    path: str
    about: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Manifest | None = None
    content_type: str = JSON
    headers: Sequence[tuple[str, str]] = ()
    seconds: float = REQUEST_SECONDS
    max_bytes: int = MAX_ANSWER_BYTES


class Connection:
    """Opened at the first request, in the event loop that asks; closed once, by whoever made it."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials
        self._client: ApiClient | None = None
        self._connector: aiohttp.TCPConnector | None = None
        self._sockets = Sockets()
        self._opening = asyncio.Lock()
        self._closed = False

    async def close(self) -> None:
        self._closed = True
        client, self._client = self._client, None
        if client is not None:
            await client.close()  # type: ignore[no-untyped-call]  # the client types this not
        if self._connector is not None:
            await self._connector.close(abort_ssl=True)
        await self._sockets.end()

    async def call(self, call: Call) -> Manifest:
        """The object that the API server answers. Raises what the answer means to us (answers.py)."""
        times = aiohttp.ClientTimeout(total=call.seconds, sock_connect=CONNECT_SECONDS)
        response = await self._accepted(call, times)
        try:
            return read_object(await _body(response, call.max_bytes, call.about), call.about)
        finally:
            _leave(response)

    async def headers(self, call: Call) -> Mapping[str, str]:
        """The headers of the answer to a request, where its body is of no interest."""
        times = aiohttp.ClientTimeout(total=call.seconds, sock_connect=CONNECT_SECONDS)
        response = await self._accepted(call, times)
        _leave(response)
        return response.headers

    @asynccontextmanager
    async def chunks(self, call: Call, *, idle_seconds: float) -> AsyncIterator[AsyncIterator[bytes]]:
        """The bytes of an answer as they come; they end where the server, the network or the silence ends them."""
        times = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=idle_seconds)
        response = await self._accepted(call, times)
        stream = _until_it_breaks(response)
        try:
            yield stream
        finally:
            await stream.aclose()
            _leave(response)

    async def _accepted(self, call: Call, times: aiohttp.ClientTimeout) -> aiohttp.ClientResponse:
        """The response to a request that was accepted. Throttled ones, which did nothing, are sent again."""
        for tried in range(1, _TRIES + 1):
            response = await self._send(call, times)
            if HTTPStatus.OK <= response.status < HTTPStatus.MULTIPLE_CHOICES:
                return response
            try:
                body = await _body(response, _MAX_REFUSAL_BYTES, call.about)
            finally:
                _leave(response)
            answer = Answer(response.status, body, retry_after(response.headers))
            if tried == _TRIES or not await self._worth_another_try(answer, tried):
                raise refusal(answer, call.about)
        raise AssertionError("the last try returns or raises")

    async def _worth_another_try(self, answer: Answer, tried: int) -> bool:
        if answer.status == HTTPStatus.TOO_MANY_REQUESTS and answer.retry_after is not None:
            if answer.retry_after > _MAX_PAUSE_SECONDS:
                return False
            await asyncio.sleep(answer.retry_after)
            return True
        if answer.status == HTTPStatus.UNAUTHORIZED and tried == 1:  # a token may have run out
            client = await self._opened()
            await self._credentials.fill(client.configuration)
            return True
        return False

    async def _send(self, call: Call, times: aiohttp.ClientTimeout) -> aiohttp.ClientResponse:
        client = await self._opened()
        headers = CIMultiDict([("Accept", JSON), ("Content-Type", call.content_type), *call.headers])
        headers["User-Agent"] = client.user_agent
        url = client.configuration.host + call.path + (f"?{urlencode(call.query)}" if call.query else "")
        try:
            await client.update_params_for_auth(headers, None, ["BearerToken"], call.path, call.method, None)
            answer = await client.call_api(call.method, url, headers, call.body, _request_timeout=times)
        except (aiohttp.ClientError, OSError) as error:  # OSError: TimeoutError, and a token file that is gone
            raise _unreachable(error, call.about) from error
        except ConfigException as error:
            raise ClusterUnavailable(f"{call.about}: our credentials cannot be read: {error}") from error
        response: aiohttp.ClientResponse = answer.response
        return response

    async def _opened(self) -> ApiClient:
        async with self._opening:
            if self._closed:
                raise ClusterUnavailable("the connection to the cluster is closed")
            if self._client is None:
                configuration = Configuration()
                await self._credentials.fill(configuration)
                self._client = ApiClient(configuration)
                self._client.user_agent = "adit"
                self._connector = aiohttp.TCPConnector(
                    limit=configuration.connection_pool_maxsize,
                    ssl=self._client.rest_client.ssl_context,
                    socket_factory=self._sockets.make,
                )
                configuration.client_session_kwargs = {"connector": self._connector}
            return self._client


def read_object(body: bytes, about: str) -> Manifest:
    """The JSON object of an answer. Raises ClusterUnavailable where a proxy answered something else."""
    try:
        value: Any = json.loads(body)
    except ValueError as error:
        raise ClusterUnavailable(f"{about}: the answer is not JSON: is this address an API server?") from error
    if not isinstance(value, dict):
        raise ClusterUnavailable(f"{about}: the answer is no JSON object: is this address an API server?")
    return value


async def _body(response: aiohttp.ClientResponse, limit: int, about: str) -> bytes:
    parts, size = [], 0
    try:
        async for chunk in response.content.iter_any():
            size += len(chunk)
            if size > limit:
                raise TooLarge(f"{about}: the answer is larger than {limit} bytes")
            parts.append(chunk)
    except (aiohttp.ClientError, OSError) as error:
        raise _unreachable(error, about) from error
    return b"".join(parts)


def _leave(response: aiohttp.ClientResponse) -> None:
    """Give back the connection of an answer that was read; end that of one that was not, without a farewell.

    Over TLS the farewell waits for the peer's, and the socket would stay open longer than the event loop runs.
    """
    if response.connection is not None and response.connection.transport is not None:
        response.connection.transport.abort()
    response.close()


async def _until_it_breaks(response: aiohttp.ClientResponse) -> AsyncGenerator[bytes, None]:
    try:
        async for chunk in response.content.iter_any():
            yield chunk
    except (aiohttp.ClientError, OSError):
        return  # whoever reads goes on from the last position


def _unreachable(error: Exception, about: str) -> ClusterUnavailable:
    what = "it took too long" if isinstance(error, TimeoutError) else f"{type(error).__name__}: {str(error)[:200]}"
    return ClusterUnavailable(f"{about}: the cluster cannot be reached: {what}")
