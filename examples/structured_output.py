"""Parse responses into your own types."""

from pydantic import BaseModel, Field

import tachyon_sdk


class Person(BaseModel):
    name: str = Field(description="The given name.", examples=["Ken"])
    age: int = Field(description="In years.", ge=0, examples=[30])


class Ship(BaseModel):
    code: str = Field(pattern="^[A-Z]{4}$")  # the local server ignores patterns


with tachyon_sdk.ApiClient() as api_client:
    chat = tachyon_sdk.ChatApi(api_client)
    request = {"model": "large", "messages": [{"role": "user", "content": "Ken is 30 years old. Who is it?"}]}
    for kind in (Person, Ship):
        try:
            print(repr(tachyon_sdk.ask_for(chat.chat_completion, request, kind)))
        except tachyon_sdk.StructuredOutputError as error:
            print(f"{error}\n  text: {error.text!r}")
