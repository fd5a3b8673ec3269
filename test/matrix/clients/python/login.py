"""The client of the Python SDK logs its user in, calls a tool, and another that takes one more scope."""

import json
import sys

import anyio
import httpx2
from mcp import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientMetadata
from pydantic import AnyUrl

job = json.load(sys.stdin)
REDIRECT = "http://127.0.0.1:33419/callback"
came_back: list[httpx2.URL] = []


class Storage:
    tokens = None
    client = None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.client

    async def set_client_info(self, client_info):
        self.client = client_info


async def sign_in(url: str) -> None:
    """As a browser would: nobody asks for a password."""
    asked = httpx2.URL(url).params
    print(json.dumps({"asked": {"scope": asked.get("scope"), "resource": asked.get("resource")}}), flush=True)
    async with httpx2.AsyncClient() as browser:
        at = httpx2.URL(url)
        while not str(at).startswith(REDIRECT):
            at = at.join((await browser.get(at)).headers["location"])
    came_back.append(at)


async def callback() -> AuthorizationCodeResult:
    params = came_back.pop().params
    return AuthorizationCodeResult(code=params["code"], state=params.get("state"), iss=params.get("iss"))


async def main() -> None:
    auth = OAuthClientProvider(
        server_url=job["url"],
        client_metadata=OAuthClientMetadata(
            client_name="matrix",
            redirect_uris=[AnyUrl(REDIRECT)],
            grant_types=["authorization_code", "refresh_token"],
            response_types=["code"],
            token_endpoint_auth_method="none",
        ),
        storage=Storage(),
        redirect_handler=sign_in,
        callback_handler=callback,
    )
    async with httpx2.AsyncClient(auth=auth) as http:
        async with Client(streamable_http_client(job["url"], http_client=http), mode=job["mode"]) as client:
            print(json.dumps({"tools": [each.name for each in (await client.list_tools()).tools]}), flush=True)
            for name in ("open", "admin"):
                result = await client.call_tool(name, {})
                print(json.dumps({"called": name, "isError": bool(result.is_error)}), flush=True)


anyio.run(main)
