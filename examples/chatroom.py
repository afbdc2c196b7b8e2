"""Have a conversation in a chatroom, where the server stores it. The next run continues it."""

import tachyon_sdk

with tachyon_sdk.ApiClient() as api_client:
    room = next(tachyon_sdk.paged(tachyon_sdk.DefaultApi(api_client).get_chatrooms, search="examples"), None)
    if room is None:
        request = {"name": "examples"}
        room = tachyon_sdk.ChatroomApi(api_client).create_chatroom(create_chat_room_request=request).chatroom
    chat = tachyon_sdk.ChatApi(api_client)
    for text in ("My name is Ken.", "What is my name?"):
        request = {"model": "large", "messages": [{"role": "user", "content": text}]}
        with chat.chat_completion_on_chatroom_stream(room.id, chat_completion_request=request) as stream:
            for piece in stream.text:
                print(piece, end="", flush=True)
        print()
