"""Answers a call that a client repeats with what it answered the first time.

About one in a thousand calls of Terraform's provider is sent twice on a busy machine,
whatever the call. It is the client that loses the answer: between the headers and the
body of the answer its HTTP transport closes the connection, which a proxy in between
shows, and the SDK tries again after any read from a connection that it has closed itself
(aws/aws-sdk-go-v2, issue 2737 and pull request 2949), also where the call creates
something. By then it has been carried out, and the repetition ends with "already exists".
The provider does not expect that; AWS refuses it in the same way (terraform-provider-aws,
issue 36710), and preflight names the resource to import. All attempts of a call have one
amz-sdk-invocation-id."""

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
