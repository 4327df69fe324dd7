"""Requests to the server, and how they must fail."""

import json

import pytest
from tornado.httpclient import HTTPClientError

CHAPTERS = ("dlnb", "chapters")
PROGRESS = ("dlnb", "chapters", "progress")
RESET = ("dlnb", "chapters", "reset")
PATH = "notebooks/10_a.ipynb"


async def post(jp_fetch, route, body):
    text = body if isinstance(body, str | bytes) else json.dumps(body)
    return await jp_fetch(*route, method="POST", body=text)


async def refused(request) -> tuple[int, str]:
    """The status and message of a request that must fail."""
    with pytest.raises(HTTPClientError) as caught:
        await request
    return caught.value.code, json.loads(caught.value.response.body)["message"]
