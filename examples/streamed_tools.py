"""Stream a conversation in a chatroom, with a pydantic model and a function as tools."""

import functools
from typing import Literal

from pydantic import BaseModel, Field

import tachyon_sdk

toolbox = tachyon_sdk.Toolbox()


@toolbox.add
class Order(BaseModel):
    """Order a dish."""

    dish: Literal["soup", "salad"]
    portions: int = Field(1, ge=1, le=10, description="Number of portions.")

    def __call__(self) -> str:
        return f"{self.portions} x {self.dish} is on its way"


@toolbox.add
def get_price(dish: Literal["soup", "salad"]) -> float:
    """Get the price of a dish in euros."""
    return {"soup": 6.5, "salad": 8.0}[dish]


def show_result(message: tachyon_sdk.Message) -> None:
    if message.role == "tool":
        print(f"[result: {message.content}]")


with tachyon_sdk.ApiClient() as api_client:
    chatrooms = tachyon_sdk.ChatroomApi(api_client)
    room = chatrooms.create_chatroom(create_chat_room_request={"name": "restaurant"}).chatroom
    in_room = functools.partial(tachyon_sdk.ChatApi(api_client).chat_completion_on_chatroom_stream, room.id)
    request = {
        "model": "large",
        "messages": [{"role": "user", "content": "What is the soup (get_price)? Then order one (Order)."}],
    }
    for chunk in tachyon_sdk.converse_stream(in_room, request, toolbox, on_message=show_result):
        for call in chunk.tool_calls:
            if call.function and call.function.name:  # the first fragment of a call has the name
                print(f"[the model calls {call.function.name}]")
        print(chunk.text, end="", flush=True)
    print()
