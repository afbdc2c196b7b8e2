"""The command `bulk`: many calls from a file, their state, and merging."""

import argparse
from contextlib import ExitStack

import tachyon_sdk
from tachyon_sdk import bulk
from tachyon_sdk.bulk import Report
from tachyon_sdk.cli.client import connect
from tachyon_sdk.cli.output import failure, put, put_json
from tachyon_sdk.cli.request import build_request
from tachyon_sdk.exceptions import ApiValueError


def run(options: argparse.Namespace) -> int:
    """Run the command and return the exit status: 0 only if every row succeeded."""
    try:
        return _run(options)
    except bulk.BulkError as error:
        for result in error.unsaved:  # the last place where they can be kept
            put_json({"custom_id": result.key, "text": result.text})
        return failure(1 if error.unsaved else 2, error)


def _run(options: argparse.Namespace) -> int:
    if options.merge:
        if not options.merged:
            raise ApiValueError("--merge needs an output: -o answers.jsonl")
        put(f"{bulk.merge(options.merge, options.merged)} rows in {options.merged}")
        return 0
    if options.status:
        return _state(bulk.status(options.status), failed_matters=False)
    if not options.retry_failed and not (options.input and options.output):
        raise ApiValueError("an input and an output are required: bulk questions.jsonl answers.jsonl")
    flow = {
        "concurrency": options.concurrency,
        "pace": bulk.Pace(options.rpm, options.tpm),
        "attempts": options.attempts,
        "deadline": options.deadline,
        "budget": None if options.max_cost is None else bulk.Budget(cost=options.max_cost),
        "lost": options.lost,
        "progress": True,
    }
    with ExitStack() as stack:
        stored = "--retry-failed" if options.retry_failed else None
        ask = tachyon_sdk.ChatApi(connect(options, stack, stored)).chat_completion
        if options.retry_failed:
            return _state(bulk.retry_failed(ask, options.retry_failed, **flow))
        request = build_request(options, [])
        del request["messages"]
        report = bulk.run(
            ask,
            options.input,
            options.output,
            request=request,
            prompt=options.prompt,
            shard=options.shard,
            anew=options.anew,
            **flow,
        )
    return _state(report)


def _state(report: Report, failed_matters: bool = True) -> int:
    """Print the state of an output and return the exit status."""
    put(
        f"{report.output}: {report.done} done, {report.failed} failed, {report.left} left, "
        f"{report.tokens} tokens, cost {report.cost:g}"
    )
    return 1 if report.left or (report.failed and failed_matters) else 0
