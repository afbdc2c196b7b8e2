"""Let the model call a function."""

from typing import Annotated

from pydantic import Field

import tachyon_sdk

FORECASTS = {"Oslo": ["sun", "sun", "rain"], "Bergen": ["rain", "rain", "rain"]}


def get_weather(
    city: Annotated[str, Field(examples=list(FORECASTS))],
    days: Annotated[int, Field(ge=1, le=3)] = 1,
) -> list[str]:
    """Get the weather forecast for a city, day by day.

    Args:
        city: Name of the city.
        days: Number of days to look ahead.
    """
    if city not in FORECASTS:
        raise tachyon_sdk.ToolError(f"no forecast for {city}, only for {', '.join(FORECASTS)}")
    return FORECASTS[city][:days]


with tachyon_sdk.ApiClient() as api_client:
    chat = tachyon_sdk.ChatApi(api_client)
    question = "How will the weather be in Oslo? Use get_weather."
    request = {"model": "large", "messages": [{"role": "user", "content": question}]}
    response = tachyon_sdk.converse(chat.chat_completion, request, tachyon_sdk.Toolbox(get_weather))
    print(response.text)
