"""The clients that are measured, one module each. To add one, add a module with:

`REQUIREMENTS`: a literal tuple of what pip installs for it; versions belong into `constraints.txt`.
`connect(url)`: a client of the server at that URL, which is kept for all that follows.
`plain(client, model)`: makes a call, returns its text.
`stream(client, model)`: makes a streamed call, returns an iterator of chunks that each have
`.choices[0].delta.content`.
`collect(client, model)`: makes a streamed call, reads it to its end, and returns the whole text.

The imports of the module are what a program needs for a call; they are what "import" measures. All paths of the
server are the same; the name of the model says what it answers.
"""
