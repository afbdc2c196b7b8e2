"""`tachyon models`: lists the models."""

import argparse
from contextlib import ExitStack

import tachyon_sdk
from tachyon_sdk.cli.client import connect
from tachyon_sdk.cli.output import put_json, put_table, say


def run(options: argparse.Namespace) -> int:
    """Run the command and return the exit status."""
    with ExitStack() as stack:
        models = tachyon_sdk.ModelsApi(connect(options, stack)).get_models(
            supported_feature=options.feature or None, require_agent_product=options.agents
        )
    if options.json:
        for model in models.models:
            put_json(model.to_dict())
        return 0
    put_table(
        [model.id, model.context_window, ",".join(map(str, model.supported_features or ()))]
        for model in models.models
    )
    if not models.models:
        say("no models")
    return 0
