"""Images and text files as parts of a message."""

from __future__ import annotations

import base64
import io
import os
import sys
import zlib
from pathlib import Path
from typing import Any

import pytest

import tachyon_sdk
from support.chat import ANSWER
from support.raw_server import RawServer
from tachyon_sdk import ApiTypeError, ApiValueError, ChatApi, ChatCompletionRequest, ContentPart, Message


def chunk(kind: bytes, data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")


def box(*brands: bytes) -> bytes:
    size = 16 + 4 * (len(brands) - 1)
    return (
        size.to_bytes(4, "big") + b"ftyp" + brands[0] + b"\0\0\0\0" + b"".join(brands[1:]) + b"\0\0\0\x08mdat"
    )


def bmp(header: int) -> bytes:
    return b"BM" + bytes(12) + header.to_bytes(4, "little") + bytes(40)


# A red pixel.
PNG = b"\x89PNG\r\n\x1a\n" + b"".join(
    [
        chunk(b"IHDR", b"\0\0\0\x01\0\0\0\x01\x08\x02\0\0\0"),
        chunk(b"IDAT", zlib.compress(b"\0\xff\0\0")),
        chunk(b"IEND", b""),
    ]
)
IMAGES = [
    (PNG, "image/png"),
    (b"\xff\xd8\xff\xe0\0\x10JFIF\0", "image/jpeg"),
    (b"\xff\xd8\xff\xdb\0", "image/jpeg"),
    (b"GIF87a....", "image/gif"),
    (b"GIF89a....", "image/gif"),
    (b"RIFF\x24\0\0\0WEBPVP8 ", "image/webp"),
    (bmp(12), "image/bmp"),
    (bmp(40), "image/bmp"),
    (bmp(124), "image/bmp"),
    (b"II*\0\x08\0\0\0", "image/tiff"),
    (b"MM\0*\0\0\0\x08", "image/tiff"),
    (b"II+\0\x08\0\0\0", "image/tiff"),
    (box(b"avif", b"mif1", b"miaf"), "image/avif"),
    (box(b"avis"), "image/avif"),
    (box(b"mif1", b"avif"), "image/avif"),
    (box(b"heic", b"mif1", b"heic"), "image/heic"),
    (box(b"mif1", b"mif1", b"heic"), "image/heic"),
    (box(b"mif1", b"miaf"), "image/heif"),
]
NO_IMAGES = [
    (b"BMW is a car, and this is a text about it.", ""),
    (b"RIFF\x24\0\0\0WAVEfmt ", ""),
    (box(b"isom", b"mp42"), ""),
    (b"hello", ""),
    (b"\0\0\0\0", ""),
    (b"%PDF-1.7", "a PDF document"),
    (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
    (b'<?xml version="1.0"?>\n<!-- made by hand -->\n<svg/>', "SVG"),
    (b"\n<!DOCTYPE html><html>", "a web page"),
    (b"<HTML>", "a web page"),
    (b"PK\x03\x04", "a zip archive"),
    (b' {"error": "no such image"}', "JSON"),
    (b"\xff\x0a\0", "JPEG XL"),
    (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
    (b"\0\0\x01\0\x01\0", "an icon"),
    (base64.b64encode(PNG), "base64"),
    (b"data:image/png;base64,AAAA", "a data URL"),
]


def url_of(part: ContentPart) -> str:
    assert type(part) is ContentPart and part.type == "image_url" and part.image_url is not None
    return part.image_url.url


def data_url(data: bytes, media_type: str = "image/png") -> str:
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}"


class Parts:
    """A file without a buffer, which returns a few bytes each time."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def read(self, size: int = -1, /) -> bytes:
        part, self.data = self.data[:7], self.data[7:]
        return part


class Named:
    name = "/folder/name.txt"

    def __init__(self, returned: Any) -> None:
        self.returned = returned

    def read(self, size: int) -> Any:
        returned, self.returned = self.returned, b""
        if isinstance(returned, Exception):
            raise returned
        return returned


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


# Images


@pytest.mark.parametrize(("data", "media_type"), IMAGES)
def test_the_content_tells_the_media_type(data: bytes, media_type: str, folder: Path) -> None:
    assert url_of(tachyon_sdk.image(data)) == data_url(data, media_type)
    (folder / "photo.txt").write_bytes(data)
    assert url_of(tachyon_sdk.image("photo.txt")) == data_url(data, media_type)


@pytest.mark.parametrize(("data", "kind"), NO_IMAGES)
def test_what_is_not_an_image(data: bytes, kind: str) -> None:
    known = (
        r"the content is not an image in a known format \(PNG, JPEG, GIF, WebP, BMP, TIFF, AVIF, HEIC, HEIF\)"
    )
    with pytest.raises(ApiValueError, match=known) as caught:
        tachyon_sdk.image(data)
    assert str(caught.value).partition("; it looks like ")[2].startswith(kind)
    assert bool(kind) is ("looks like" in str(caught.value))
    # The program may know better.
    assert url_of(tachyon_sdk.image(data, mime_type="image/x-own")) == data_url(data, "image/x-own")


def test_all_forms_of_an_image(folder: Path) -> None:
    path = folder / "photo.png"
    path.write_bytes(PNG)
    with path.open("rb") as file, path.open("rb", buffering=0) as raw:
        sources = ["photo.png", str(path), path, PNG, bytearray(PNG), memoryview(PNG), file, raw]
        urls = [url_of(tachyon_sdk.image(source)) for source in [*sources, io.BytesIO(PNG), Parts(PNG)]]
    assert urls == [data_url(PNG)] * 10
    skipped = io.BytesIO(b"header" + PNG)
    skipped.seek(6)
    assert url_of(tachyon_sdk.image(skipped)) == data_url(PNG)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/a.png?b=1#c",
        "HTTP://example.com/a",
        data_url(PNG),
        "DATA:image/svg+xml;a=b;base64,AA==",
    ],
)
def test_urls_are_sent_as_they_are(url: str) -> None:
    assert tachyon_sdk.image(url).to_dict() == {"type": "image_url", "image_url": {"url": url}}


def test_detail_and_media_type() -> None:
    sent = tachyon_sdk.image("https://example.com/a", detail="low", mime_type="image/png").to_dict()
    assert sent["image_url"] == {"url": "https://example.com/a", "detail": "low", "mime_type": "image/png"}
    sent = tachyon_sdk.image(PNG, detail="high", mime_type="image/apng").to_dict()
    assert sent["image_url"] == {"url": data_url(PNG, "image/apng"), "detail": "high"}


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("missing.png", r"^the file 'missing.png' does not exist \(the current folder is '.*'\)$"),
        (Path("missing") / "a.png", "does not exist"),
        (".", r"^the file '.' cannot be read: it is a folder$"),
        (Path(), "it is a folder"),
        ("", "does not exist"),
        ("a\0b", "cannot be read: embedded null"),
        ("x" * 10_000, r"^the file 'x{99}\.\.\. cannot be read: .*"),
        (b"", "^the content is empty$"),
        (io.BytesIO(), r"^the file is empty or at its end; seek\(0\) returns to the beginning$"),
        (Named(b""), "^the file 'name.txt' is empty or at its end"),
        (Named(OSError("broken")), "^the file 'name.txt' cannot be read: broken$"),
        ("ftp://example.com/a.png", "cannot be read from a ftp URL; pass a path, or an https or data URL"),
        ("file:///a.png", "cannot be read from a file URL"),
        ("data:text/plain;base64,AAAA", "the data URL is not an image"),
        ("data:", "the data URL is not an image"),
        ("data:image/png,AAAA", "^the data URL is not encoded in base64$"),
        ("data:image/png;base64,A", "^the data URL is not valid base64"),
        ("data:image/png;base64,#", "^the data URL is not valid base64"),
        ("data:image/png;base64,", "^the data URL is empty$"),
    ],
)
def test_images_that_cannot_be_read(source: Any, message: str) -> None:
    with pytest.raises(ApiValueError, match=message):
        tachyon_sdk.image(source)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            5,
            "^the source must be a path, a URL, bytes, a file opened in binary mode, or an image of Pillow, not int$",
        ),
        (None, "not NoneType$"),
        ([PNG], "not list$"),
        (io.StringIO("text"), "^the file is open in text mode; open an image in binary mode$"),
        (Named("text"), r"its read\(\) returned str, not bytes$"),
        (Named(None), r"its read\(\) returned NoneType, not bytes$"),
        (Named(TypeError("no size")), "cannot be read: no size$"),
    ],
)
def test_sources_of_another_type(source: Any, message: str) -> None:
    with pytest.raises(ApiTypeError, match=message):
        tachyon_sdk.image(source)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="everything is readable")
def test_a_file_without_permission(folder: Path) -> None:
    path = folder / "photo.png"
    path.write_bytes(PNG)
    path.chmod(0)
    with pytest.raises(ApiValueError, match="cannot be read: Permission denied"):
        tachyon_sdk.image(path)


def test_an_empty_file_and_a_broken_link(folder: Path) -> None:
    (folder / "empty.png").touch()
    with pytest.raises(ApiValueError, match=r"^the file 'empty.png' is empty$"):
        tachyon_sdk.image("empty.png")
    if sys.platform != "win32":
        (folder / "link.png").symlink_to("nowhere")
        with pytest.raises(ApiValueError, match=r"^the file 'link.png' does not exist"):
            tachyon_sdk.image("link.png")


def test_the_size_is_limited(folder: Path) -> None:
    size = len(PNG)
    path = folder / "photo.png"
    path.write_bytes(PNG)
    sources = [lambda: path, lambda: PNG, lambda: io.BytesIO(PNG), lambda: Parts(PNG), lambda: data_url(PNG)]
    for source in sources:
        for limit in (size, size + 1, None):
            assert url_of(tachyon_sdk.image(source(), max_bytes=limit)) == data_url(PNG)
        with pytest.raises(
            ApiValueError, match=rf"has (at least )?{size} bytes, .* than max_bytes={size - 1}$"
        ):
            tachyon_sdk.image(source(), max_bytes=size - 1)
    with pytest.raises(ApiValueError, match="more than max_bytes=20971520"):
        tachyon_sdk.image(PNG + bytes(20 * 1024 * 1024))
    endless: Any = Parts(PNG)
    endless.read = lambda size: b"x" * 1000
    with pytest.raises(ApiValueError, match="at least 2,000 bytes"):
        tachyon_sdk.image(endless, max_bytes=1500)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"max_bytes": 0}, ApiValueError, "^max_bytes must be at least 1, not 0$"),
        ({"max_bytes": "5"}, ApiTypeError, "^max_bytes must be an integer or None, not str$"),
        ({"max_bytes": True}, ApiTypeError, "not bool$"),
        (
            {"mime_type": "png"},
            ApiValueError,
            "^mime_type must be a media type such as image/png, not 'png'$",
        ),
        ({"mime_type": 5}, ApiValueError, "not 5$"),
        ({"detail": 5}, ApiTypeError, "^detail must be a string, not int$"),
    ],
)
def test_other_arguments_of_an_image(arguments: Any, error: type[Exception], message: str) -> None:
    for source in (PNG, "https://example.com/a.png"):
        with pytest.raises(error, match=message):
            tachyon_sdk.image(source, **arguments)


def test_a_message_with_an_image_is_sent() -> None:
    part = tachyon_sdk.image(PNG)
    question: dict[str, Any] = {"type": "text", "text": "What is it?"}
    of_dicts = {"messages": [{"role": "user", "content": [question, part]}]}
    of_models = ChatCompletionRequest(
        messages=[Message(role="user", content=[ContentPart(type="text", text="What is it?"), part])]
    )
    with RawServer([ANSWER, ANSWER]) as server:
        settings = tachyon_sdk.Configuration(server.url, access_token="t", operator_id="o")
        with tachyon_sdk.ApiClient(settings) as client:
            for request in (of_dicts, of_models):
                ChatApi(client).chat_completion(chat_completion_request=request)
        sent = {"type": "image_url", "image_url": {"url": data_url(PNG)}}
        assert [request.json()["messages"][0]["content"] for request in server.requests] == [
            [question, sent]
        ] * 2


# Pillow


def test_images_of_pillow() -> None:
    pil: Any = pytest.importorskip("PIL.Image")

    def sent(image: Any) -> tuple[str, Any]:
        head, _, data = url_of(tachyon_sdk.image(image)).partition(";base64,")
        read = pil.open(io.BytesIO(base64.b64decode(data)))
        read.load()
        return head, read

    def opened(image: Any, kind: str, **options: Any) -> Any:
        file = io.BytesIO()
        image.save(file, kind, **options)
        return pil.open(file)

    for mode in (
        "1",
        "L",
        "LA",
        "La",
        "P",
        "PA",
        "RGB",
        "RGBA",
        "RGBa",
        "CMYK",
        "YCbCr",
        "LAB",
        "HSV",
        "I",
        "F",
        "I;16",
    ):
        head, read = sent(pil.new(mode, (4, 3)))
        assert (head, read.format, read.size) == ("data:image/png", "PNG", (4, 3))
        assert ("A" in read.mode) is (mode.upper() in ("LA", "PA", "RGBA"))
    red = pil.new("RGB", (4, 3), "red")
    assert sent(red)[1].getpixel((0, 0)) == (255, 0, 0)
    for kind, options, expected in (
        ("PNG", {}, "png"),
        ("GIF", {}, "png"),
        ("JPEG", {}, "jpeg"),
        ("BMP", {}, "png"),
    ):
        assert sent(opened(red, kind, **options))[0] == f"data:image/{expected}"
    assert sent(opened(pil.new("CMYK", (4, 3)), "JPEG"))[1].mode == "RGB"
    # The rotation of a camera.
    operations: Any = pytest.importorskip("PIL.ImageOps")
    gradient = pil.linear_gradient("L").resize((32, 16)).rotate(30)
    for orientation in range(10):
        exif = pil.Exif()
        exif[0x112] = orientation
        photo = opened(gradient, "PNG", exif=exif)
        assert sent(photo)[1].tobytes() == operations.exif_transpose(photo).tobytes()
        assert sent(photo)[1].size == ((16, 32) if orientation in (5, 6, 7, 8) else (32, 16))
    with pytest.raises(ApiValueError, match=r"^the image cannot be written as PNG: "):
        tachyon_sdk.image(pil.new("RGB", (0, 0)))
    noise = io.BytesIO()
    pil.effect_noise((100, 100), 50).save(noise, "JPEG")
    with pytest.raises(ApiValueError, match=r"^the image cannot be written as JPEG: .*truncated"):
        tachyon_sdk.image(pil.open(io.BytesIO(noise.getvalue()[:1500])))
    with pytest.raises(ApiValueError, match=r"the image has .* than max_bytes=10"):
        tachyon_sdk.image(red, max_bytes=10)


def test_files_that_pillow_writes() -> None:
    pil: Any = pytest.importorskip("PIL.Image")
    features: Any = pytest.importorskip("PIL.features")
    kinds = {"PNG": "png", "JPEG": "jpeg", "GIF": "gif", "BMP": "bmp", "TIFF": "tiff"}
    kinds |= {name.upper(): name for name in ("webp", "avif") if features.check(name)}
    for kind, expected in kinds.items():
        file = io.BytesIO()
        pil.new("RGB", (20, 10), "red").save(file, kind)
        assert url_of(tachyon_sdk.image(file.getvalue())).startswith(f"data:image/{expected};base64,")


# Text files


def text_of(part: ContentPart) -> str:
    assert type(part) is ContentPart and part.to_dict().keys() == {"type", "text"} and part.type == "text"
    assert part.text is not None
    return part.text


def test_all_forms_of_a_text_file(folder: Path) -> None:
    path = folder / "notes.txt"
    path.write_bytes("日本語\r\nEnd".encode())
    framed = "File: notes.txt\n```\n日本語\r\nEnd\n```\n"
    with path.open("rb") as binary, path.open(encoding="utf-8", newline="") as text:
        for source in ("notes.txt", str(path), path, binary, text):
            assert text_of(tachyon_sdk.text_file(source)) == framed
    data = path.read_bytes()
    without_name = framed.partition("\n")[2]
    for source in (
        data,
        bytearray(data),
        memoryview(data),
        io.BytesIO(data),
        io.StringIO("日本語\r\nEnd", newline=""),
    ):
        assert text_of(tachyon_sdk.text_file(source)) == without_name
        rest = source.seek(0) if isinstance(source, io.IOBase) else None
        assert rest in (0, None)
        assert text_of(tachyon_sdk.text_file(source, name="notes.txt")) == framed
    with os.fdopen(os.open(path, os.O_RDONLY), "rb") as numbered:
        assert text_of(tachyon_sdk.text_file(numbered)) == without_name


@pytest.mark.parametrize(
    ("text", "fence"),
    [("a\n", "```"), ("`", "```"), ("```py\n```\n", "````"), ("a ````` b\n", "``````"), ("~~~\n", "```")],
)
def test_the_frame_ends_after_the_text(text: str, fence: str) -> None:
    end = "" if text.endswith("\n") else "\n"
    assert text_of(tachyon_sdk.text_file(text.encode())) == f"{fence}\n{text}{end}{fence}\n"


def test_the_name_has_one_line() -> None:
    part = tachyon_sdk.text_file(b"x", name=" a\nb\t.txt ")
    assert text_of(part) == "File: a b .txt\n```\nx\n```\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "shift_jis", "UTF8"])
def test_encodings(encoding: str) -> None:
    for text in ("日本語", "\ufeff日本語"):
        if encoding != "shift_jis" or text == "日本語":
            data = text.encode(encoding)
            assert text_of(tachyon_sdk.text_file(data, encoding=encoding)) == "```\n日本語\n```\n"


@pytest.mark.parametrize(
    ("source", "arguments", "message"),
    [
        (
            "日本語".encode("utf-16"),
            {},
            "^the content is not a text in utf-8: .* at byte 0; .* encoding='utf-16'",
        ),
        ("日本語".encode("shift_jis"), {}, r"at byte 0; pass its encoding$"),
        (PNG, {}, "not a text in utf-8"),
        (b"a\0b", {}, "^the content is not a text file: it contains a NUL character$"),
        (b"x", {"encoding": "nonsense"}, "^'nonsense' is not an encoding that Python has$"),
        (b"x", {"encoding": "base64"}, "^'base64' is not an encoding"),
        (b"", {}, "^the content is empty$"),
        (io.StringIO(), {}, "is empty or at its end"),
        (b"abc", {"max_bytes": 2}, "has 3 bytes, which is more than max_bytes=2"),
        (io.StringIO("日本語"), {"max_bytes": 8}, "at least 9 bytes"),
        (bytes(1024 * 1024 + 1), {}, "more than max_bytes=1048576"),
        ("missing.txt", {}, "does not exist"),
        (".", {}, "it is a folder"),
        (io.TextIOWrapper(io.BytesIO(b"\xff"), encoding="utf-8"), {}, "cannot be read: 'utf-8' codec"),
    ],
)
def test_text_files_that_cannot_be_read(source: Any, arguments: Any, message: str) -> None:
    with pytest.raises(ApiValueError, match=message):
        tachyon_sdk.text_file(source, **arguments)


@pytest.mark.parametrize(
    ("source", "arguments", "message"),
    [
        (5, {}, "^the source must be a path, bytes or a file, not int$"),
        (b"x", {"name": 5}, "^name must be a string, not int$"),
        (b"x", {"encoding": None}, "^encoding must be a string, not NoneType$"),
        (b"x", {"max_bytes": 1.5}, "^max_bytes must be an integer or None, not float$"),
    ],
)
def test_other_types_for_a_text_file(source: Any, arguments: Any, message: str) -> None:
    with pytest.raises(ApiTypeError, match=message):
        tachyon_sdk.text_file(source, **arguments)
