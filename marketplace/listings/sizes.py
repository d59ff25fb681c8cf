"""The sizes that a job makes of an uploaded picture: WebP for pages, one JPEG for link previews, no word of the camera's."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

from marketplace.storage import storage

if TYPE_CHECKING:
    from PIL.Image import Image

WIDTHS = (400, 800, 1600)
PREVIEW = 1200
FORMATS = ("JPEG", "PNG", "WEBP")
SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")
MOST_PIXELS = 40_000_000
"""More than any telephone makes; a small file that unfolds to more is an attack."""


class NotAPicture(ValueError):
    """The bytes are no picture that we can show."""


class TooManyPixels(ValueError):
    """The picture is larger than MOST_PIXELS."""


@dataclass(frozen=True, slots=True)
class Made:
    """What became of an upload: width and height in pixels of the upright picture, and the files by the ending of their key."""

    width: int
    height: int
    files: dict[str, bytes]


def endings() -> list[str]:
    """List the endings of the keys that belong to one picture."""
    return [*(f"-{width}.webp" for width in WIDTHS), f"-{PREVIEW}.jpg"]


def picture_url(key: str, width: int = 400) -> str:
    """Give the address of a picture in one of the WIDTHS."""
    return storage().url(f"{key}-{width}.webp")


def preview_url(key: str) -> str:
    """Give the address of the JPEG that others' link previews show."""
    return storage().url(f"{key}-{PREVIEW}.jpg")


def _looks_right(data: bytes) -> bool:
    return data.startswith(SIGNATURES) or (data[:4] == b"RIFF" and data[8:12] == b"WEBP")


def measured(data: bytes) -> tuple[int, int]:
    """Read width and height from the header, decoding nothing; raises NotAPicture, TooManyPixels."""
    with _opened(data) as image:
        return int(image.width), int(image.height)


def _opened(data: bytes) -> Image:
    from PIL import Image  # 60 ms and 15 MB, and only uploads need it

    if not _looks_right(data):
        raise NotAPicture
    try:
        image = Image.open(BytesIO(data), formats=FORMATS)
    except Image.DecompressionBombError as error:
        raise TooManyPixels from error
    except Exception as error:  # whatever a decoder trips over, it is not our picture
        raise NotAPicture from error
    if image.width * image.height > MOST_PIXELS:
        image.close()
        raise TooManyPixels
    return image


def make(data: bytes) -> Made:
    """Decode, turn upright, and write every size without metadata; raises NotAPicture, TooManyPixels."""
    from PIL import ImageOps  # as above

    with _opened(data) as image:
        try:
            upright = ImageOps.exif_transpose(image)
            plain = _flattened(upright)
        except Exception as error:  # a header may promise what the rest does not keep
            raise NotAPicture from error
    files = {f"-{width}.webp": _written(_fitted(plain, width), "WEBP", quality=80, method=4) for width in WIDTHS}
    files[f"-{PREVIEW}.jpg"] = _written(_fitted(plain, PREVIEW), "JPEG", quality=82, progressive=True, optimize=True)
    return Made(plain.width, plain.height, files)


def plain(data: bytes, longest: int = WIDTHS[-1]) -> bytes:
    """Decode, turn upright, and write one WebP without metadata; raises NotAPicture, TooManyPixels."""
    from PIL import ImageOps  # as above

    with _opened(data) as image:
        try:
            shown = _fitted(_flattened(ImageOps.exif_transpose(image)), longest)
        except Exception as error:  # a header may promise what the rest does not keep
            raise NotAPicture from error
    return _written(shown, "WEBP", quality=80, method=4)


def _flattened(image: Any) -> Any:
    """Give the picture in RGB on white: a transparent logo must not turn black in the JPEG."""
    from PIL import Image  # as above

    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        layer = image.convert("RGBA")
        ground = Image.new("RGB", layer.size, "white")
        ground.paste(layer, mask=layer.getchannel("A"))
        return ground
    return image.convert("RGB")


def _fitted(image: Any, longest: int) -> Any:
    """Shrink until neither side is longer than `longest` pixels; small pictures stay as they are."""
    copy = image.copy()
    copy.thumbnail((longest, longest))
    copy.info = {}
    return copy


def _written(image: Any, kind: str, **options: Any) -> bytes:
    target = BytesIO()
    image.save(target, kind, exif=b"", icc_profile=None, **options)
    return target.getvalue()
