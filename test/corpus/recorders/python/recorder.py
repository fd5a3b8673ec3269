"""A server of the Python SDK that keeps what it understood of each request: GET /recorded returns that, and forgets it."""

import json
import socket

import uvicorn
from mcp.server.lowlevel import Server
from mcp_types import CallToolResult, CompleteResult, Completion, GetPromptResult, ListToolsResult, ReadResourceResult
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

records: list = []


def recorded_as(method: str, result):
    """A handler behind the SDK's own validation: what it gets is what any server of this SDK would act on."""

    async def handle(_context, params):
        given = params.model_dump(by_alias=True) if params is not None else {}
        records.append({"method": method, "params": given})
        return result

    return handle


async def recorded(_request: Request) -> Response:
    body = json.dumps(records)
    records.clear()
    return Response(body, media_type="application/json")


def main() -> None:
    server = Server(
        "recorder",
        # Without it a call lists the tools first.
        get_tool_input_schema=lambda _name: None,
        on_call_tool=recorded_as("tools/call", CallToolResult(content=[])),
        on_get_prompt=recorded_as("prompts/get", GetPromptResult(messages=[])),
        on_read_resource=recorded_as("resources/read", ReadResourceResult(contents=[])),
        on_completion=recorded_as("completion/complete", CompleteResult(completion=Completion(values=[]))),
        on_list_tools=recorded_as("tools/list", ListToolsResult(tools=[])),
    )
    app = server.streamable_http_app(
        stateless_http=True, json_response=True, custom_starlette_routes=[Route("/recorded", recorded)]
    )
    # asyncio sends small answers at once only where the socket names its protocol.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.bind(("127.0.0.1", 0))
    print(json.dumps({"port": listening.getsockname()[1]}), flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listening])


main()
