"""A server of the Python SDK: both eras over streamable HTTP, or the era of sessions over HTTP+SSE (`sse`), or both over stdio (`stdio`)."""

import json
import socket
import sys
from typing import Annotated

import anyio
import uvicorn
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.resolve import Elicit, ListRoots, Resolve, Sample
from mcp_types import Completion, CreateMessageResult, EmptyResult, ListRootsResult, SamplingMessage, SetLevelRequestParams, SubscribeRequestParams, TextContent
from pydantic import BaseModel

server = MCPServer("matrix")
cancelled = False


class Name(BaseModel):
    name: str


@server.tool()
async def echo(message: str) -> str:
    return json.dumps(message, ensure_ascii=False)


@server.tool()
async def denied() -> str:
    return "done"


@server.tool()
async def progress(ctx: Context) -> str:
    for done in (1, 2, 3):
        await ctx.report_progress(done, 3)
        await anyio.sleep(0.05)
    return "done"


@server.tool()
async def log(ctx: Context) -> str:
    await ctx.warning("one")
    await ctx.error("two")
    return "done"


async def ask_name() -> Elicit[Name]:
    return Elicit("name?", Name)


@server.tool()
async def elicit(who: Annotated[Name, Resolve(ask_name)]) -> str:
    return f"Hello, {who.name}"


async def ask_model() -> Sample:
    return Sample([SamplingMessage(role="user", content=TextContent(type="text", text="what?"))], max_tokens=10)


@server.tool()
async def sample(said: Annotated[CreateMessageResult, Resolve(ask_model)]) -> str:
    return said.content.text


async def ask_roots() -> ListRoots:
    return ListRoots()


@server.tool()
async def roots(found: Annotated[ListRootsResult, Resolve(ask_roots)]) -> str:
    return " ".join(str(each.uri) for each in found.roots)


@server.tool()
async def touch(ctx: Context) -> str:
    # Streams of 2026-07-28 are told by the bus, sessions by themselves.
    await ctx.notify_resource_updated("test://note")
    await ctx.session.send_resource_updated("test://note")
    return "touched"


@server.tool()
async def change_tools(ctx: Context) -> str:
    await ctx.notify_tools_changed()
    await ctx.session.send_tool_list_changed()
    return "changed"


@server.tool()
async def slow() -> str:
    global cancelled
    try:
        await anyio.sleep(20)
    except anyio.get_cancelled_exc_class():
        cancelled = True
        raise
    return "done"


@server.tool()
async def was_cancelled() -> str:
    global cancelled
    was, cancelled = cancelled, False
    return "yes" if was else "no"


@server.resource("test://note", name="note")
def note() -> str:
    return "a note"


@server.resource("test://item/{id}", name="item")
def item(id: str) -> str:
    return f"item {id}"


@server.prompt()
def greet(name: str) -> str:
    return f"Greet {name}"


@server.completion()
async def complete(_ref, argument, _context):
    return Completion(values=[each for each in ("Ada", "Alan", "Grace") if each.startswith(argument.value)])


async def accepted(_context, _params):
    return EmptyResult()


def main() -> None:
    for method in ("resources/subscribe", "resources/unsubscribe"):
        server._lowlevel_server.add_request_handler(method, SubscribeRequestParams, accepted)
    server._lowlevel_server.add_request_handler("logging/setLevel", SetLevelRequestParams, accepted)
    if "stdio" in sys.argv:
        server.run("stdio")
        return
    app = server.sse_app() if "sse" in sys.argv else server.streamable_http_app()
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.bind(("127.0.0.1", 0))
    listening.listen()
    print(json.dumps({"port": listening.getsockname()[1]}), flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listening])


main()
