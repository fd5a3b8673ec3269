"""A client of FastMCP, which drives tasks by itself: its job on stdin, what came of it in a line of JSON."""

import asyncio
import json
import sys

import fastmcp_tasks  # noqa: F401 (knows tasks once it is there)
from fastmcp import Client
from fastmcp.client.elicitation import ElicitResult


async def main() -> None:
    job = json.load(sys.stdin)
    asked = []

    async def answer(message, response_type, params, context):
        asked.append(message)
        return ElicitResult(action="accept", content=job["answer"])

    async with Client(job["url"], elicitation_handler=answer) as client:
        task = await fastmcp_tasks.call_tool_task(client, job["name"], job["arguments"])
        is_task = bool(getattr(task, "task_id", None))
        result = await task
        text = "\n".join(getattr(each, "text", "") for each in result.content)
        print(json.dumps({"task": is_task, "text": text, "asked": asked}))


asyncio.run(main())
