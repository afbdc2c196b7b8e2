# Generated from openapi.yaml by `tox -e generate`. Do not edit.

from tachyon_sdk._contract.model import StringEnum


class SupportedFeature(StringEnum):
    """Feature of a model."""

    STREAMING = "streaming"

    FUNCTION_CALLING = "function_calling"

    VISION = "vision"

    SYSTEM_PROMPT = "system_prompt"

    JSON_MODE = "json_mode"

    TOKEN_CACHING = "token_caching"

    MULTI_TURN = "multi_turn"

    CODE_GENERATION = "code_generation"

    EMBEDDING = "embedding"

    FINE_TUNING = "fine_tuning"

    AUDIO = "audio"

    REASONING = "reasoning"

    AGENT = "agent"
