"""Answers a call that a client repeats with what it answered the first time.

The AWS SDKs send a call again if they could not read its answer: on a busy machine that
happens to one in a few hundred calls of Terraform's provider, whatever the call. By then it
has been carried out, so a creation would end with "already exists". All attempts of a call
have one amz-sdk-invocation-id."""

import asyncio

KEPT = 60  # seconds; a client waits at most 20 before it repeats a call


def once(application):
    calls = {}  # by invocation, oldest first: when it began and its answer

    async def answer(scope, receive, send):
        invocation = dict(scope.get("headers", ())).get(b"amz-sdk-invocation-id")
        if not invocation or scope["method"] in ("GET", "HEAD"):
            return await application(scope, receive, send)
        if invocation in calls:
            _, first = calls[invocation]
            # Shielded, so that a client that goes away does not cancel the first attempt.
            messages = await asyncio.shield(first)
            if messages:
                while (await receive()).get("more_body"):
                    pass  # the server has to read it before the next request
                for message in messages:
                    await send(message)
                return
        loop = asyncio.get_running_loop()
        forget(calls, loop.time() - KEPT)
        result = loop.create_future()
        calls[invocation] = loop.time(), result
        messages = []

        async def record(message):
            messages.append(message)
            await send(message)

        try:
            await application(scope, receive, record)
        finally:
            result.set_result(messages if succeeded(messages) else None)

    return answer


def forget(calls, before):
    while calls:
        invocation, (began, result) = next(iter(calls.items()))
        if began >= before or not result.done():
            return
        del calls[invocation]


def succeeded(messages):
    """Reports whether the answer is complete and the call was carried out. A call that
    failed may succeed when it is repeated."""
    return messages and messages[0]["status"] < 300 and not messages[-1].get("more_body")
