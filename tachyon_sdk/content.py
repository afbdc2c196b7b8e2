"""Parts of a message that are made of files: images, and texts in a frame.

::

    message = Message(
        role="user",
        content=[ContentPart(type="text", text="What is in the picture?"), tachyon_sdk.image("photo.png")],
    )
"""

from __future__ import annotations

import base64
import io
import os
import re
import stat
import sys
from typing import Any, Protocol

from tachyon_sdk.exceptions import ApiTypeError, ApiValueError
from tachyon_sdk.models.content_part import ContentPart
from tachyon_sdk.models.image_url_part import ImageUrlPart

_MAX_IMAGE_BYTES = 20 * 1024 * 1024
_MAX_TEXT_BYTES = 1024 * 1024

_IMAGE_SOURCES = "a path, a URL, bytes, a file opened in binary mode, or an image of Pillow"

_URL_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")  # two characters: not the drive of a Windows path
_DATA_URL = re.compile(r"data:(image/[\w.+-]+)((?:;[^;,]*)*),", re.IGNORECASE)
_MEDIA_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+", re.ASCII)


class BinaryFile(Protocol):
    """A file that was opened to read bytes."""

    def read(self, size: int = ..., /) -> bytes:
        """Return at most `size` bytes; none at the end."""
        ...


class TextFile(Protocol):
    """A file that was opened to read text."""

    def read(self, size: int = ..., /) -> str:
        """Return at most `size` characters; none at the end."""
        ...


class PillowImage(Protocol):
    """An image of Pillow, `PIL.Image.Image`."""

    @property
    def mode(self) -> str:
        """Its pixel format."""
        ...

    def save(self, fp: Any, format: str | None = None, **params: Any) -> None:
        """Write it to a file."""


Bytes = bytes | bytearray | memoryview
ImageSource = str | os.PathLike[str] | Bytes | BinaryFile | PillowImage
TextSource = str | os.PathLike[str] | Bytes | BinaryFile | TextFile


def image(
    source: ImageSource,
    *,
    detail: str | None = None,
    mime_type: str | None = None,
    max_bytes: int | None = _MAX_IMAGE_BYTES,
) -> ContentPart:
    """Return an image as a part of a message's content.

    ::

        content = [{"type": "text", "text": "What is in the picture?"}, tachyon_sdk.image("photo.png")]

    A URL is sent as it is, and the server or the model's provider downloads the image. Anything else is sent within the
    request. Its media type is recognized by its content: PNG, JPEG, GIF, WebP, BMP, TIFF, AVIF, HEIC or HEIF. Most
    models accept the first four only.

    Args:
        source: One of:

            - a path, as text or `pathlib.Path`;
            - an `https`, `http` or `data` URL, as text;
            - the bytes of an image file, or a file opened in binary mode, which is read from its position;
            - an image of Pillow, which is sent as JPEG if it was read from a JPEG file, otherwise as PNG.
        detail: Level of detail at which the model processes the image, such as `low`, `high` or `auto`. Not sent if
            omitted.
        mime_type: Media type, such as `image/png`. With an `http` or `https` URL, it is sent as a hint. Otherwise it
            replaces the type that is recognized, and any content is accepted. It has no effect on a `data` URL.
        max_bytes: Maximum size of the image file, in bytes; None for no limit. It has no effect on a URL that the
            server reads.

    Returns:
        A part with an `image_url`.

    Raises:
        ApiTypeError: `source` is none of these, or another argument has the wrong type.
        ApiValueError: The file cannot be read, is empty, too large, or not an image, or the URL has another scheme.
    """
    _check_limit(max_bytes)
    if mime_type is not None and not (isinstance(mime_type, str) and _MEDIA_TYPE.fullmatch(mime_type)):
        raise ApiValueError(f"mime_type must be a media type such as image/png, not {mime_type!r}")
    if detail is not None and not isinstance(detail, str):
        raise ApiTypeError(f"detail must be a string, not {type(detail).__name__}")
    options = {} if detail is None else {"detail": detail}
    if isinstance(source, str) and source[:5].lower() == "data:":
        _check_data_url(source, max_bytes)
        url = source
    elif isinstance(source, str) and (scheme := _URL_SCHEME.match(source)):
        if scheme[1].lower() not in ("http", "https"):
            raise ApiValueError(
                f"an image cannot be read from a {scheme[1]} URL; pass a path, or an https or data URL"
            )
        url = source
        if mime_type is not None:
            options["mime_type"] = mime_type
    else:
        if isinstance(source, io.TextIOBase):
            raise ApiTypeError("the file is open in text mode; open an image in binary mode")
        data, name = _pillow_file(source) if _is_pillow(source) else _read(source, max_bytes, _IMAGE_SOURCES)
        if isinstance(data, str):
            raise ApiTypeError(f"{name} cannot be read: its read() returned str, not bytes")
        _check_size(name, len(data), max_bytes)
        url = f"data:{mime_type or _image_type(data, name)};base64,{base64.b64encode(data).decode()}"
    return ContentPart(type="image_url", image_url=ImageUrlPart(url=url, **options))


def text_file(
    source: TextSource,
    *,
    name: str | None = None,
    encoding: str = "utf-8",
    max_bytes: int | None = _MAX_TEXT_BYTES,
) -> ContentPart:
    """Return a text file as a part of a message's content, in a frame that shows its name, its beginning and its end.

    ::

        content = [{"type": "text", "text": "Summarize the file."}, tachyon_sdk.text_file("notes.txt")]

    The frame is a code block of Markdown, with more backticks than the text has in a row.

    Args:
        source: A path, the bytes of a file, or a file opened in binary or text mode, which is read from its position.
        name: Name in the frame. Defaults to the name of the file; bytes have none.
        encoding: Encoding of the file. A byte order mark is removed.
        max_bytes: Maximum size of the file, in bytes; None for no limit.

    Returns:
        A part with a `text`.

    Raises:
        ApiTypeError: `source` is none of these, or another argument has the wrong type.
        ApiValueError: The file cannot be read, is empty, too large, or not a text in this encoding.
    """
    _check_limit(max_bytes)
    if name is not None and not isinstance(name, str):
        raise ApiTypeError(f"name must be a string, not {type(name).__name__}")
    data, found = _read(source, max_bytes, "a path, bytes or a file")
    text = data if isinstance(data, str) else _decoded(data, found, encoding)
    if "\0" in text:
        raise ApiValueError(f"{found} is not a text file: it contains a NUL character")
    shown = " ".join((name or _base_name(source)).split())
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    heading = f"File: {shown}\n" if shown else ""
    end = "" if text.endswith("\n") else "\n"
    return ContentPart(type="text", text=f"{heading}{fence}\n{text}{end}{fence}\n")


def _check_limit(max_bytes: Any) -> None:
    if max_bytes is None:
        return
    if isinstance(max_bytes, bool) or not isinstance(max_bytes, int):
        raise ApiTypeError(f"max_bytes must be an integer or None, not {type(max_bytes).__name__}")
    if max_bytes < 1:
        raise ApiValueError(f"max_bytes must be at least 1, not {max_bytes}")


def _check_size(name: str, size: int, max_bytes: int | None, more: str = "") -> None:
    if not size:
        raise ApiValueError(f"{name} is empty")
    if max_bytes is not None and size > max_bytes:
        raise ApiValueError(f"{name} has {more}{size:,} bytes, which is more than max_bytes={max_bytes}")


def _read(source: Any, max_bytes: int | None, accepted: str) -> tuple[bytes | str, str]:
    """Return the content of a file, and what to call it in an error."""
    if isinstance(source, (bytes, bytearray, memoryview)):
        data = bytes(source)
        _check_size("the content", len(data), max_bytes)
        return data, "the content"
    if isinstance(source, (str, os.PathLike)):
        return _read_path(os.fspath(source), max_bytes)
    if callable(getattr(source, "read", None)):
        name = _base_name(source)
        return _read_file(source, f"the file {name!r}" if name else "the file", max_bytes)
    raise ApiTypeError(f"the source must be {accepted}, not {type(source).__name__}")


def _read_path(path: Any, max_bytes: int | None) -> tuple[bytes, str]:
    shown = repr(path)
    name = f"the file {shown if len(shown) <= 200 else shown[:100] + '...'}"
    try:
        with open(path, "rb") as file:
            status = os.fstat(file.fileno())
            if stat.S_ISREG(status.st_mode):
                _check_size(name, status.st_size, max_bytes)
            data, _ = _read_file(file, name, max_bytes)
    except FileNotFoundError as error:
        raise ApiValueError(f"{name} does not exist (the current folder is {os.getcwd()!r})") from error
    except ApiValueError:
        raise
    except (OSError, ValueError) as error:  # ValueError: a NUL character in the path
        reason = "it is a folder" if os.path.isdir(path) else getattr(error, "strerror", None) or str(error)
        raise ApiValueError(f"{name} cannot be read: {reason}") from error
    assert isinstance(data, bytes)
    return data, name


def _read_file(file: Any, name: str, max_bytes: int | None) -> tuple[bytes | str, str]:
    """Read to the end of a file, or one byte more than the limit. A file without a buffer returns parts."""
    parts: list[Any] = []
    size = 0
    while max_bytes is None or size <= max_bytes:
        try:
            part = file.read() if max_bytes is None else file.read(max_bytes + 1 - size)
        except (OSError, ValueError) as error:
            raise ApiValueError(f"{name} cannot be read: {error}") from error
        except TypeError as error:  # another kind of object has a method `read`
            raise ApiTypeError(f"{name} cannot be read: {error}") from error
        if isinstance(part, (bytearray, memoryview)):
            part = bytes(part)
        if not isinstance(part, (bytes, str)):
            raise ApiTypeError(f"{name} cannot be read: its read() returned {type(part).__name__}, not bytes")
        if not part:
            break
        parts.append(part)
        size += len(part if isinstance(part, bytes) else part.encode(errors="surrogatepass"))
    if not parts:
        raise ApiValueError(f"{name} is empty or at its end; seek(0) returns to the beginning")
    _check_size(name, size, max_bytes, "at least ")
    return type(parts[0])().join(parts), name


def _base_name(source: Any) -> str:
    """Return the name of a file without its folder; "" if it has none."""
    path = source if isinstance(source, (str, os.PathLike)) else getattr(source, "name", None)
    # The name of a file may be the number of its descriptor.
    return os.path.basename(os.fsdecode(path)) if isinstance(path, (str, bytes, os.PathLike)) else ""


def _decoded(data: bytes, name: str, encoding: str) -> str:
    if not isinstance(encoding, str):
        raise ApiTypeError(f"encoding must be a string, not {type(encoding).__name__}")
    try:
        text = data.decode(encoding)
    except LookupError as error:
        raise ApiValueError(f"{encoding!r} is not an encoding that Python has") from error
    except UnicodeDecodeError as error:
        hint = ""
        if data.startswith((b"\xff\xfe", b"\xfe\xff")):
            hint = ", for example encoding='utf-16', whose byte order mark it has"
        raise ApiValueError(
            f"{name} is not a text in {encoding}: {error.reason} at byte {error.start}; pass its encoding{hint}"
        ) from error
    if not isinstance(text, str):
        raise ApiValueError(f"{encoding!r} is not an encoding of text")
    return text.removeprefix("\ufeff")


def _check_data_url(url: str, max_bytes: int | None) -> None:
    match = _DATA_URL.match(url)
    if match is None:
        raise ApiValueError(
            "the data URL is not an image; its form is data:image/png;base64,..., with the media type of the image"
        )
    if not match[2].lower().endswith(";base64"):
        raise ApiValueError("the data URL is not encoded in base64")
    encoded = url[match.end() :]
    try:
        data = base64.b64decode(encoded, validate=True)
    except ValueError as error:
        raise ApiValueError(f"the data URL is not valid base64: {error}") from error
    _check_size("the data URL", len(data), max_bytes)


# Images


def _image_type(data: bytes, name: str) -> str:
    """Return the media type of an image file, by its first bytes."""
    for start, found in _STARTS:
        if data.startswith(start):
            return found
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    # A text may begin with BM. The size of the next header tells the versions of BMP.
    if data[:2] == b"BM" and int.from_bytes(data[14:18], "little") in (12, 16, 40, 52, 56, 64, 108, 124):
        return "image/bmp"
    if data[4:8] == b"ftyp" and (container := _container_type(data)):
        return container
    kind = next((kind for pattern, kind in _NO_IMAGES.items() if re.match(pattern, data[:1000])), None)
    suffix = f"; it looks like {kind}" if kind else ""
    raise ApiValueError(
        f"{name} is not an image in a known format (PNG, JPEG, GIF, WebP, BMP, TIFF, AVIF, HEIC, HEIF){suffix}"
    )


_STARTS = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"II+\0", "image/tiff"),
    (b"MM\0+", "image/tiff"),
)
_NO_IMAGES = {
    rb"%PDF": "a PDF document",
    rb"\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*(<!DOCTYPE svg[^>]*>\s*)?<svg": "SVG, which has to be converted",
    rb"(?i)\s*<(!doctype html|html)": "a web page",
    rb"PK\x03\x04": "a zip archive or an office document",
    rb"\s*[{\[]": "JSON",
    rb"(\xff\x0a|\0\0\0\x0cJXL )": "JPEG XL, which has to be converted",
    rb"\0\0\0\x0cjP  ": "JPEG 2000, which has to be converted",
    rb"\0\0\x01\0": "an icon, which has to be converted",
    rb"data:image/": "a data URL, which has to be a str",
    rb"(iVBORw0KGgo|/9j/|R0lGOD|UklGR)": "base64, which has to be decoded",
}


def _container_type(data: bytes) -> str | None:
    """Return the type of an image in a container of MPEG-4, by its brands (ISO/IEC 23008-12)."""
    end = min(int.from_bytes(data[:4], "big"), 200)
    brands = {data[8:12], *(data[start : start + 4] for start in range(16, end, 4))}
    if brands & {b"avif", b"avis"}:
        return "image/avif"
    if brands & {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"}:
        return "image/heic"
    return "image/heif" if brands & {b"mif1", b"msf1"} else None


_ORIENTATION = 0x0112  # the tag of Exif
# From the orientations of Exif to the numbers of `PIL.Image.Transpose`.
_ROTATIONS = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}
_WITH_ALPHA = {"La": "LA", "PA": "RGBA", "RGBa": "RGBA"}


def _is_pillow(source: Any) -> bool:
    pillow = sys.modules.get("PIL.Image")  # it is loaded if the program has an image of it
    return pillow is not None and isinstance(source, pillow.Image)


def _pillow_file(source: Any) -> tuple[bytes, str]:
    """Return an image of Pillow as a file, upright."""
    kind = "JPEG" if source.format in ("JPEG", "MPO") else "PNG"
    modes = ("L", "RGB") if kind == "JPEG" else ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")
    file = io.BytesIO()
    try:
        # Cameras store the rotation in the metadata, which is not written again.
        rotation = _ROTATIONS.get(source.getexif().get(_ORIENTATION))
        upright = source if rotation is None else source.transpose(rotation)
        if upright.mode not in modes:
            upright = upright.convert(_WITH_ALPHA.get(upright.mode, "RGB"))
        upright.save(file, kind, **({"quality": 90} if kind == "JPEG" else {}))
    except (OSError, ValueError, SyntaxError) as error:
        raise ApiValueError(f"the image cannot be written as {kind}: {error}") from error
    return file.getvalue(), "the image"
