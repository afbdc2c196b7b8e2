"""The models that the server lists."""

from collections.abc import Sequence

from tachyon_sdk.local.wire import Json
from tachyon_sdk.models import SupportedFeature

_AGENT = SupportedFeature.AGENT.value
_CHAT_FEATURES = [
    feature.value
    for feature in (
        SupportedFeature.STREAMING,
        SupportedFeature.FUNCTION_CALLING,
        SupportedFeature.VISION,
        SupportedFeature.SYSTEM_PROMPT,
        SupportedFeature.JSON_MODE,
        SupportedFeature.MULTI_TURN,
    )
]
_BUILT_IN = {
    "local/echo": "Repeats what you said. The same conversation always has the same response.",
    "local/rate-limit-once": "Answers 429 and then properly, in turns.",
    "local/truncate": "Ends a response in the middle.",
    "local/midstream-error": "Reports an error in the middle of a stream.",
    "local/slow": "Waits 0.2 seconds before each event of a stream.",
}


def built_in_models(default: str | None) -> list[Json]:
    """Return the built-in models.

    Args:
        default: The one that can be an agent. The others only simulate faults.
    """
    return [
        model_info(name, name, "local", description=text, agent=name == default)
        for name, text in _BUILT_IN.items()
    ]


def model_info(
    model_id: str, name: str, provider: str, *, description: str | None = None, agent: bool = True
) -> Json:
    """Return a ModelInfo. What is not known of a model is null."""
    return {
        "id": model_id,
        "name": name,
        "provider": provider,
        "supported_features": [*_CHAT_FEATURES, *([_AGENT] if agent else [])],
        "context_window": None,
        "max_output_tokens": None,
        "description": description,
    }


def models_response(models: Sequence[Json], features: Sequence[str], *, agents_only: bool) -> Json:
    """Return a ModelsResponse with the models that support all the features."""
    needed = {*features, *([_AGENT] if agents_only else [])}
    listed = [model for model in models if needed <= set(model["supported_features"])]
    return {"models": listed, "total_count": len(listed)}
