"""A server of FastMCP: 2026-07-28 with the tasks extension. Says its port in its first line."""

import asyncio
import json
import os
import socket
import sys

os.environ.setdefault("FASTMCP_LOG_LEVEL", "ERROR")

import uvicorn
from fastmcp import Context, FastMCP
from fastmcp_tasks import TasksExtension
from mcp_types import ElicitRequest, ElicitRequestFormParams, InputRequiredResult

server = FastMCP("tasks")
server.add_extension(TasksExtension())
SCHEMA = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}


@server.tool(task=True)
async def slow(seconds: float) -> str:
    await asyncio.sleep(seconds)
    return "slept"


@server.tool(task=True)
async def ask(ctx: Context):
    answers = ctx.input_responses
    if not answers:
        question = ElicitRequest(params=ElicitRequestFormParams(message="name?", requested_schema=SCHEMA))
        return InputRequiredResult(input_requests={"name": question})
    return f"Hello, {answers['name'].content['name']}"


if __name__ == "__main__":
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    print(json.dumps({"port": listening.getsockname()[1]}), flush=True)
    app = server.http_app(path="/mcp")
    sys.stdout = open(os.devnull, "w")
    uvicorn.Server(uvicorn.Config(app, log_level="error")).run(sockets=[listening])
