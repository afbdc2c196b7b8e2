"""Writes a language model of 3 MB as a GGUF file: `python tiny_model.py tiny.gguf`.

It has the architecture of llama, so many servers can run it. Its output is known:

- Each token has one successor. The last token of the prompt starts one of the texts below. The chat template
  selects it.
- Some characters have one token per byte, so a server must wait for the rest of a character.
- A grammar (for JSON, or for the arguments of a tool) may not allow the successor. Then the most likely of the
  allowed tokens follows. The tokens that end something are more likely than others, so the text is short.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from gguf import GGUFWriter, TokenType

ANSWER = ("Hello", ", ", "大", "阪", " is ", "😀", "!")
"""The text, unless another one is selected."""
RESULT = ("The ", "tool ", "says ", "so.")
"""The text if the last message is the result of a tool."""
ENDLESS = ("tick ", "täck ", "時計 ")
"""The text if the last message is `GO_ON`. It is repeated without end."""
GO_ON = "Go on."
CONTEXT = 2048
"""Maximum number of tokens, prompt included. A prompt has about one token per byte."""

_IN_BYTES = ("大", "😀")
_UNKNOWN, _BEGIN, _END = "<unk>", "<s>", "</s>"
_BEGINNINGS = {
    "<|answer|>": (*ANSWER, _END),
    "<|result|>": (*RESULT, _END),
    "<|endless|>": (*ENDLESS, ENDLESS[0]),
}
_TEMPLATE = f"""\
{{% for message in messages %}}[{{{{ message.role }}}}] {{{{ message.content }}}}
{{% endfor %}}
{{% set last = messages[-1] if messages else {{}} %}}
{{% if last.role == 'tool' %}}<|result|>\
{{% elif last.content == '{GO_ON}' %}}<|endless|>\
{{% else %}}<|answer|>{{% endif %}}"""

# Logits: of the successor, and of other tokens whatever the token before them is.
_SUCCESSOR = 40.0
_OTHERS = {
    _END: 24.0,
    '"': 20.0,
    "}": 14.0,
    "]": 14.0,
    "7": 10.0,
    "f": 8.0,
    " ": -8.0,
    "\n": -8.0,
    "\t": -8.0,
}


def write(path: Path) -> None:
    """Write the model to this file."""
    names, kinds = zip(*_tokens(), strict=True)
    ids = {name: number for number, name in enumerate(names)}
    writer = GGUFWriter(path, "llama")
    writer.add_name("tiny")
    writer.add_tokenizer_model("llama")
    writer.add_token_list([name.replace(" ", "▁") for name in names])
    writer.add_token_scores([0.0] * len(names))
    writer.add_token_types(kinds)
    writer.add_unk_token_id(ids[_UNKNOWN])
    writer.add_bos_token_id(ids[_BEGIN])
    writer.add_eos_token_id(ids[_END])
    writer.add_add_bos_token(False)
    writer.add_add_space_prefix(False)
    writer.add_chat_template(_TEMPLATE)
    _add_weights(writer, ids)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _tokens() -> Iterator[tuple[str, TokenType]]:
    yield _UNKNOWN, TokenType.UNKNOWN
    yield _BEGIN, TokenType.CONTROL
    yield _END, TokenType.CONTROL
    for byte in range(256):
        yield _name_of(byte), TokenType.BYTE
    for beginning, pieces in _BEGINNINGS.items():
        yield beginning, TokenType.CONTROL
        for piece in dict.fromkeys(pieces):
            if piece not in (*_IN_BYTES, _END):
                yield piece, TokenType.NORMAL


def _name_of(byte: int) -> str:
    return f"<0x{byte:02X}>"


def _in_tokens(pieces: Sequence[str]) -> list[str]:
    """The names of the tokens of these pieces."""
    names = []
    for piece in pieces:
        names += [_name_of(byte) for byte in piece.encode()] if piece in _IN_BYTES else [piece]
    return names


def _add_weights(writer: GGUFWriter, ids: dict[str, int]) -> None:
    """The vector of a token has 1 at the index of the token and at the last index. The only layer adds nothing."""
    heads, hidden = 4, 32
    width = -(len(ids) + 1) // 128 * -128
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(width)
    writer.add_block_count(1)
    writer.add_feed_forward_length(hidden)
    writer.add_head_count(heads)
    writer.add_rope_dimension_count(width // heads)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_vocab_size(len(ids))

    embedding = np.zeros((len(ids), width), np.float32)
    embedding[:, : len(ids)] = np.eye(len(ids))
    embedding[:, -1] = 1
    output = np.zeros((len(ids), width), np.float32)
    for name, logit in _OTHERS.items():
        output[ids[name if name in ids else _name_of(ord(name))], -1] = logit
    for beginning, pieces in _BEGINNINGS.items():
        names = [beginning, *_in_tokens(pieces)]
        for name, following in itertools.pairwise(names):
            output[ids[following], ids[name]] = _SUCCESSOR
    output /= np.sqrt(width / 2)  # the norm before it multiplies by this factor

    zeros, ones = np.zeros((width, width), np.float32), np.ones(width, np.float32)
    writer.add_tensor("token_embd.weight", embedding)
    writer.add_tensor("output_norm.weight", ones)
    writer.add_tensor("output.weight", output)
    for name in ("attn_norm", "ffn_norm"):
        writer.add_tensor(f"blk.0.{name}.weight", ones)
    for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
        writer.add_tensor(f"blk.0.{name}.weight", zeros)
    for name, shape in {
        "ffn_gate": (hidden, width),
        "ffn_up": (hidden, width),
        "ffn_down": (width, hidden),
    }.items():
        writer.add_tensor(f"blk.0.{name}.weight", np.zeros(shape, np.float32))


if __name__ == "__main__":
    write(Path(sys.argv[1]))
