"""The steps, done by the client of the Python SDK: a job as JSON on stdin, a line of JSON for what came of each step."""

import json
import sys
import time

import anyio
from mcp import Client, MCPError
from mcp_types import (
    CreateMessageResult,
    ElicitResult,
    ListRootsResult,
    PromptReference,
    ResourceUpdatedNotification,
    Root,
    TextContent,
    ToolListChangedNotification,
)

job = json.load(sys.stdin)
asked: list[str] = []
logged: list[str] = []
changed: list[str] = []
answer: dict = {}


async def elicit(_context, params):
    asked.append(params.message)
    return ElicitResult(action="accept", content=answer)


async def sample(_context, params):
    asked.extend(each.content.text for each in params.messages)
    return CreateMessageResult(role="assistant", content=TextContent(type="text", text=job["sampled"]), model="m")


async def roots(_context):
    return ListRootsResult(roots=[Root(uri=job["root"], name="here")])


async def log(params):
    logged.append(f"{params.level} {params.data}")


async def message(each):
    if isinstance(each, ResourceUpdatedNotification):
        changed.append(str(each.params.uri))
    if isinstance(each, ToolListChangedNotification):
        changed.append("tools")


async def until(holds):
    deadline = time.monotonic() + job["notificationMs"] / 1000
    while not await holds() and time.monotonic() < deadline:
        await anyio.sleep(0.02)


def text_of(result) -> str:
    return "\n".join(getattr(each, "text", each.type) for each in result.content)


async def names(client, what: str) -> dict:
    list_page = {
        "tools": client.list_tools,
        "prompts": client.list_prompts,
        "resources": client.list_resources,
        "templates": client.list_resource_templates,
    }[what]
    found, cursor = [], None
    while True:
        page = await list_page(cursor=cursor)
        found += [each.name for each in getattr(page, "resource_templates" if what == "templates" else what)]
        cursor = page.next_cursor
        if cursor is None:
            return {"names": sorted(found)}


async def call(client, modern: bool, step: dict) -> dict:
    level = step.get("level")
    if level and not modern:
        await client.set_logging_level(level)
    progress: list[float] = []

    async def on_progress(done, _total, _message):
        progress.append(done)

    result = await client.call_tool(
        step["name"],
        step.get("arguments", {}),
        progress_callback=on_progress if step.get("progress") else None,
        meta={"io.modelcontextprotocol/logLevel": level} if level and modern else None,
    )

    async def all_logged():
        return len(logged) >= step.get("messages", 0)

    await until(all_logged)
    outcome: dict = {"text": text_of(result)}
    if result.is_error:
        outcome["isError"] = True
    if step.get("progress"):
        outcome["progress"] = progress
    if asked:
        outcome["asked"] = list(asked)
    if level:
        outcome["logged"] = list(logged)
    return outcome


async def listen(client, modern: bool, step: dict) -> dict:
    uri = step["uri"] if step["do"] == "subscribe" else None

    async def told():
        return bool(changed)

    async def trigger():
        await client.call_tool(step["name"], step.get("arguments", {}))
        await until(told)

    if modern:
        wishes = {"tools_list_changed": True} if uri is None else {"resource_subscriptions": [uri]}
        async with client.listen(**wishes) as subscription:

            async def read():
                async for event in subscription:
                    changed.append(str(getattr(event, "uri", "tools")))

            async with anyio.create_task_group() as group:
                group.start_soon(read)
                await trigger()
                group.cancel_scope.cancel()
    else:
        if uri is not None:
            await client.subscribe_resource(uri)
        await trigger()
        if uri is not None:
            await client.unsubscribe_resource(uri)
    return {"told": list(dict.fromkeys(changed))}


async def cancel(client, step: dict) -> dict:
    ended = "answered"
    with anyio.move_on_after(job["cancelAfterMs"] / 1000) as scope:
        await client.call_tool(step["name"], step.get("arguments", {}))
    if scope.cancelled_caught:
        ended = "cancelled"
    if "after" not in step:
        return {"ended": ended}
    text = ""

    async def heard():
        nonlocal text
        text = text_of(await client.call_tool(step["after"], {}))
        return text == "yes"

    await until(heard)
    return {"ended": ended, "text": text}


async def do(client, modern: bool, step: dict) -> dict:
    what = step["do"]
    if what in ("tools", "prompts", "resources", "templates"):
        return await names(client, what)
    if what == "call":
        return await call(client, modern, step)
    if what == "prompt":
        result = await client.get_prompt(step["name"], step.get("arguments"))
        return {"text": "\n".join(each.content.text for each in result.messages)}
    if what == "read":
        result = await client.read_resource(step["uri"])
        return {"text": "\n".join(each.text for each in result.contents)}
    if what == "complete":
        result = await client.complete(PromptReference(type="ref/prompt", name=step["name"]), step["argument"])
        return {"values": result.completion.values}
    if what in ("subscribe", "changed"):
        return await listen(client, modern, step)
    if what == "cancel":
        return await cancel(client, step)
    if modern:
        return {"none": True}
    await client.send_ping()
    return {"text": "pong"}


async def main() -> None:
    async with Client(
        job["url"],
        mode=job["mode"],
        elicitation_callback=elicit,
        sampling_callback=sample,
        list_roots_callback=roots,
        logging_callback=log,
        message_handler=message,
    ) as client:
        version = client.protocol_version
        print(json.dumps({"version": version}), flush=True)
        for step in job["steps"]:
            answer.clear()
            answer.update(step.get("answer", {}))
            for each in (asked, logged, changed):
                each.clear()
            try:
                outcome = await do(client, version >= "2026-07-28", step)
            except MCPError as error:
                outcome = {"error": error.error.code}
            except Exception as error:
                outcome = {"error": f"{type(error).__name__}: {error}"}
            print(json.dumps({"feature": step["feature"], "outcome": outcome}), flush=True)


anyio.run(main)
