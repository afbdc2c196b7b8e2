"""Connects to the server that the options and the environment name, or to a local one."""

import argparse
import os
from contextlib import ExitStack

import tachyon_sdk
from tachyon_sdk.cli.output import program, say
from tachyon_sdk.exceptions import ApiValueError

_CREDENTIALS = ("TACHYON_API_KEY", "TACHYON_OPERATOR_ID", "TACHYON_TENANT_ID")


def connect(
    options: argparse.Namespace, stack: ExitStack, stored: str | None = None
) -> "tachyon_sdk.ApiClient":
    """Return a client, which the stack closes.

    Args:
        options: Those of the command.
        stack: Closes the client, and stops the local server.
        stored: What was asked for that a local server inside this program would forget at once.

    Raises:
        ApiValueError: A setting is missing or invalid.
    """
    return stack.enter_context(tachyon_sdk.ApiClient(_configuration(options, stack, stored)))


def _configuration(
    options: argparse.Namespace, stack: ExitStack, stored: str | None
) -> "tachyon_sdk.Configuration":
    debug = True if options.debug else None
    if options.debug:
        import logging

        logging.basicConfig(format="%(levelname)s %(name)s: %(message)s")
    key = _variable(options.key_env) if options.key_env else None
    if options.host is not None or _variable("TACHYON_API_URL"):
        settings = tachyon_sdk.Configuration(
            options.host, access_token=key, operator_id=options.operator, debug=debug
        )
        required = {
            options.key_env or "TACHYON_API_KEY": settings.access_token,
            "TACHYON_OPERATOR_ID": settings.operator_id,
        }
        if missing := [name for name, value in required.items() if not value]:
            raise ApiValueError(f"not set in the environment: {' and '.join(missing)}")
        return settings
    given = [name for name in _CREDENTIALS if _variable(name)]
    if given or options.key_env or options.operator:
        why = given[0] if given else "--key-env" if options.key_env else "--operator"
        raise ApiValueError(f"TACHYON_API_URL is not set, but {why} is: set it to the URL of the server")
    if stored:
        raise ApiValueError(
            f"{stored} needs a server that stores chatrooms: set TACHYON_API_URL; `{program()} serve` starts one"
        )
    try:
        from tachyon_sdk.local import LocalServer
    except ModuleNotFoundError as error:
        raise ApiValueError(f"set TACHYON_API_URL, or install the local server: {error}") from error
    server = stack.enter_context(LocalServer())
    say("TACHYON_API_URL is not set: using a local server inside this program")
    # No proxy and no credentials from the environment: nothing leaves this machine.
    return tachyon_sdk.Configuration(
        server.url, access_token="dummy-token", operator_id="tn_local", proxy="", debug=debug
    )


def _variable(name: str) -> str:
    return os.environ.get(name, "").strip()
