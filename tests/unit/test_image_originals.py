"""Originals as they come: every kind of file is either handled or refused, with a reason that its author understands."""

from __future__ import annotations

import random
import struct
import time
import tracemalloc
import zlib
from collections.abc import Callable
from functools import cache
from io import BytesIO
from typing import Any

import pytest
from nightdesk.domain.errors import NightdeskError, Permanent
from nightdesk.imaging import raster
from nightdesk.imaging.derive import derive, derive_all
from nightdesk.imaging.inspect import Picture, inspect
from nightdesk.imaging.limits import ImageRefused, Limits
from nightdesk.imaging.provenance import Provenance, xmp_packet
from nightdesk.imaging.raster_headers import read_header
from nightdesk.imaging.recipe import ANIMATED_PIXELS, Variant, plan
from nightdesk.imaging.xmp import read_xmp
from PIL import Image, ImageCms
from support.effort import examples

SMALL = Variant(48, 32, "png")
IPTC = "http://cv.iptc.org/newscodes/digitalsourcetype/"


@cache
def scene(mode: str = "RGB", width: int = 96, height: int = 64) -> Image.Image:
    """An orange picture with a blue right half."""
    image = Image.new("RGB", (width, height), (230, 120, 30))
    image.paste((30, 60, 160), (width // 2, 0, width, height))
    if mode == "I;16":
        return image.convert("I").point(lambda value: value * 257).convert("I;16")
    return image.convert(mode)


def saved(image: Image.Image, name: str = "JPEG", **options: Any) -> bytes:
    out = BytesIO()
    image.save(out, name, **options)
    return out.getvalue()


def reason(data: bytes, limits: Limits = Limits(), *, decode: bool = True) -> str:  # noqa: B008
    with pytest.raises(ImageRefused) as refused:
        inspect(data, limits, decode=decode)
    return str(refused.value)


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", len(body), kind) + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, *chunks: bytes, colours: int = 2, depth: int = 8) -> bytes:
    """Return a PNG file with a header and chunks."""
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colours, 0, 0, 0))
        + b"".join(chunks)
    )


def pixels(data: bytes, variant: Variant = SMALL) -> list[tuple[int, ...]]:
    """Return the colours at the left and at the right of what is made of an original."""
    image = Image.open(BytesIO(derive(data, inspect(data), variant))).convert("RGBA")
    found = [image.getpixel((x, image.height // 2)) for x in (4, image.width - 5)]
    return [tuple(pixel) for pixel in found if isinstance(pixel, tuple)]


def is_orange_and_blue(data: bytes, tolerance: int = 24) -> bool:
    wanted = ((230, 120, 30), (30, 60, 160))
    return all(
        abs(a - b) <= tolerance
        for have, want in zip(pixels(data), wanted, strict=True)
        for a, b in zip(have, want, strict=False)
    )


# --- What is handled ---


@pytest.mark.parametrize(
    ("name", "mode", "options"),
    [
        ("JPEG", "RGB", {"progressive": True}), ("JPEG", "CMYK", {"quality": 95}), ("PNG", "RGB", {}), ("PNG", "P", {}),
        ("PNG", "RGBA", {}), ("GIF", "P", {}), ("WEBP", "RGB", {}), ("WEBP", "RGBA", {"lossless": True}), ("AVIF", "RGB", {}),
        ("AVIF", "RGBA", {"quality": 90}),
    ],
)  # fmt: skip
def test_common_and_uncommon_modes_keep_their_colours(name: str, mode: str, options: dict[str, Any]) -> None:
    assert is_orange_and_blue(saved(scene(mode), name, **options))


@pytest.mark.parametrize("mode", ["L", "1", "LA", "I;16"])
def test_grey_pictures_keep_their_brightness(mode: str) -> None:
    grey = Image.new("L", (96, 64), 255)
    grey.paste(0, (48, 0, 96, 64))
    image = grey.convert("I").point(lambda value: value * 257).convert("I;16") if mode == "I;16" else grey.convert(mode)
    left, right = pixels(saved(image, "PNG"))
    assert min(left[:3]) > 250
    assert max(right[:3]) < 5


def test_sixteen_bits_a_channel() -> None:
    row = (
        b"\0"
        + struct.pack(">3H", 230 * 257, 120 * 257, 30 * 257) * 48
        + struct.pack(">3H", 30 * 257, 60 * 257, 160 * 257) * 48
    )
    data = png(96, 64, chunk(b"IDAT", zlib.compress(row * 64)), chunk(b"IEND", b""), depth=16)
    assert is_orange_and_blue(data)


def test_transparency_is_kept_where_the_format_can() -> None:
    clear = Image.new("RGBA", (96, 64), (255, 0, 0, 0))
    for name in ("PNG", "WEBP", "AVIF", "GIF"):
        data = saved(clear, name)
        picture = inspect(data)
        assert picture.has_alpha, name
        for variant, body in derive_all(data, picture, plan(picture)):
            image = Image.open(BytesIO(body))
            assert image.convert("RGBA").getpixel((5, 5))[3] == 0, (name, variant)  # type: ignore[index]


def test_an_animation_keeps_its_frames_and_has_stills() -> None:
    frames = [Image.new("P", (96, 64), number) for number in range(5)]
    for name in ("GIF", "WEBP", "PNG", "AVIF"):
        many = [frame.convert("RGB").point(lambda value, n=n: 40 * n) for n, frame in enumerate(frames)]
        data = saved(many[0], name, save_all=True, append_images=many[1:], duration=[0, 50, 50, 50, 200], loop=0)
        picture = inspect(data)
        assert picture.frames == 5, name
        made = dict(derive_all(data, picture, plan(picture)))
        moving = [Image.open(BytesIO(body)) for variant, body in made.items() if variant.is_animated]
        still = [Image.open(BytesIO(body)) for variant, body in made.items() if not variant.is_animated]
        assert [getattr(image, "n_frames", 1) for image in moving] == [5]
        assert {getattr(image, "n_frames", 1) for image in still} == {1}
        assert {image.format for image in still} == {"WEBP", "JPEG" if name in ("PNG", "AVIF", "WEBP") else "PNG"}


def test_what_is_made_of_an_animation_is_bounded() -> None:
    for frames, width, height in ((500, 400, 500), (2, 9000, 6000), (100, 1200, 1200)):
        moving = [f for f in plan(Picture("", "gif", width, height, frames, is_indexed=True)) if f.is_animated]
        assert moving
        assert all(frames * f.width * f.height <= 1.02 * ANIMATED_PIXELS for f in moving)


def test_a_colour_profile_is_applied() -> None:
    """The same numbers are another colour under another profile: here, red and blue are exchanged."""
    swapped = _profile_with_exchanged_colours()
    data = saved(scene(), "PNG", icc_profile=swapped)
    left, right = pixels(data)
    assert left[2] > left[0], left
    assert right[0] > right[2], right


def _profile_with_exchanged_colours() -> bytes:
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    tags = {
        bytes(profile[at : at + 4]): at for at in range(132, 132 + 12 * int.from_bytes(profile[128:132], "big"), 12)
    }
    red, blue = tags[b"rXYZ"], tags[b"bXYZ"]
    profile[red + 4 : red + 12], profile[blue + 4 : blue + 12] = (
        profile[blue + 4 : blue + 12],
        profile[red + 4 : red + 12],
    )
    return bytes(profile)


@pytest.mark.parametrize(
    "profile",
    [
        b"not a profile",
        b"\0" * 200,
        ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes(),
        ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()[:300],
        ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes().replace(b"RGB XYZ", b"CMYKLab"),
        ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes().replace(b"RGB XYZ", b"GRAYXYZ"),
    ],
    ids=["text", "zeros", "for Lab", "cut off", "says CMYK", "says grey"],
)
def test_a_profile_that_lies_is_left_aside(profile: bytes) -> None:
    for name in ("JPEG", "PNG", "WEBP"):
        assert is_orange_and_blue(saved(scene(), name, icc_profile=profile))


def test_a_profile_that_is_a_bomb_or_packed_in_an_unknown_way_is_left_aside() -> None:
    data = saved(scene(), "PNG")
    bomb = chunk(b"iCCP", b"sRGB\0\0" + zlib.compress(bytes(8 * 1024**2), 9))
    unknown = chunk(b"iCCP", b"sRGB\0\7" + zlib.compress(bytes(500)))
    empty = chunk(b"iCCP", b"")
    for profile in (bomb, unknown, empty):
        assert is_orange_and_blue(data[:33] + profile + data[33:])


def test_what_follows_the_image_is_left_out() -> None:
    other = saved(Image.new("RGB", (500, 400), "lime"))
    page = b"<!doctype html><script>alert(1)</script>"
    for data in (
        saved(scene()) + other,
        saved(scene()) + page,
        saved(scene(), "PNG") + page,
        saved(scene(), "GIF") + page,
    ):
        picture = inspect(data)
        assert (picture.width, picture.height) == (96, 64)
        assert is_orange_and_blue(data)
        assert all(b"script" not in body for _, body in derive_all(data, picture, plan(picture)))


def test_html_inside_a_jpeg_does_not_reach_readers() -> None:
    page = b"<!--><script>alert(document.domain)</script>"
    data = saved(scene(), comment=page)
    inside = data[:20] + b"\xff\xe5" + struct.pack(">H", len(page) + 2) + page + data[20:]
    for body in (data, inside):
        assert page in body
        assert all(b"script" not in made for _, made in derive_all(body, inspect(body), plan(inspect(body))))


@pytest.mark.slow
def test_a_packet_of_fifty_megabytes_is_neither_read_nor_kept() -> None:
    said = xmp_packet(Provenance("Ada", "", "print"))
    huge = said.replace(b"</rdf:RDF>", b" " * (50 * 1024**2) + b"</rdf:RDF>")
    base = saved(scene(), "PNG")
    end = base.index(b"IEND") - 4
    for packet in (
        chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + huge),
        chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(huge, 1)),
        chunk(b"zTXt", b"Comment\0\0" + zlib.compress(huge, 1)),
    ):
        data = base[:end] + packet + base[end:]
        tracemalloc.start()
        picture = inspect(data, decode=False)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert picture.credit == ""
        assert peak < 70 * 1024**2
        assert is_orange_and_blue(data)


def test_a_gif_may_lack_its_trailer() -> None:
    data = saved(scene("P"), "GIF")
    assert data.endswith(b";")
    assert is_orange_and_blue(data[:-1])
    assert is_orange_and_blue(data[:-1] + b"\0\0")


def test_a_file_is_known_by_its_bytes_whatever_its_name_says() -> None:
    for name, format_name in (("PNG", "png"), ("GIF", "gif"), ("WEBP", "webp"), ("AVIF", "avif"), ("JPEG", "jpeg")):
        assert inspect(saved(scene(), name)).format == format_name


# --- What is refused ---


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b"\0" * 4000, "is empty"),
        (b"Hello", "is not an image"),
        (
            b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0" * 99,
            "is HEIC, which most browsers cannot show: save it as JPEG",
        ),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic" + b"\0" * 99, "is HEIC"),
        (b"\0\0\0\x20ftypmp42\0\0\0\0mp42isom", "is a video"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "is JPEG XL"),
        (b"II*\0\x08\0\0\0", "is TIFF or a camera's raw file"),
        (b"BM" + b"\0" * 60, "is a Windows bitmap"),
        (b"8BPS\0\1", "is a Photoshop file"),
        (b"%PDF-1.7", "is PDF"),
        (b"PK\x03\x04", "is an archive"),
        (b"\xef\xbb\xbf <!DOCTYPE html><svg/>", "is an HTML page"),
    ],
)
def test_other_files_are_named_and_a_remedy_is_given(data: bytes, words: str) -> None:
    assert words in reason(data)


def test_a_png_of_ten_thousand_million_pixels_is_refused_before_it_is_decoded() -> None:
    packer = zlib.compressobj(9)
    rows = b"".join(packer.compress(b"\0" * 1_000_000) for _ in range(18)) + packer.flush()
    data = png(100_000, 100_000, chunk(b"IDAT", rows), chunk(b"IEND", b""), colours=0, depth=1)
    assert len(data) < 21_000
    began = time.process_time()
    assert "has 10,000,000,000 pixels (100,000 × 100,000); at most 80,000,000" in reason(data)
    assert time.process_time() - began < 0.2


def test_pixels_frames_bytes_and_sides_are_limited() -> None:
    data = saved(scene())
    assert "has 6,144 pixels" in reason(data, Limits(pixels=6000))
    assert "is too large: 1 MB" in reason(data + b"\0" * 100, Limits(size=600))
    assert "is 96 pixels long" in reason(data, Limits(side=95))
    film = saved(scene("P"), "GIF", save_all=True, append_images=[scene("P").rotate(10 * n) for n in range(1, 8)])
    assert "has 8 frames; at most 7" in reason(film, Limits(frames=7))
    assert "too much for an animation" in reason(film, Limits(animated_pixels=40_000))


def test_a_gif_of_ten_thousand_frames_is_refused_without_reading_them() -> None:
    one = saved(scene("P", 8, 8), "GIF")
    start = one.index(b",", 13 + 3 * 2 ** ((one[10] & 7) + 1))
    frame = one[start:-1]
    assert "has 10,000 frames" in reason(one[:start] + frame * 10_000 + b";")


def test_a_jpeg_of_more_scans_than_any_program_writes_is_refused_unread() -> None:
    """A scan of 14 bytes is decoded over the whole picture, so a small file with many scans would take hours."""
    data = saved(scene(), progressive=True)
    scan = data[data.rindex(b"\xff\xda") : -2]
    assert is_orange_and_blue(data[:-2] + scan * 20 + b"\xff\xd9")
    assert "has more than 100 scans" in reason(data[:-2] + scan * 5000 + b"\xff\xd9")


def box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", len(body) + 8, kind) + body


def test_what_a_file_repeats_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the first text and the first profile are read: unpacking a thousand would take a megabyte each."""
    unpacked: list[int] = []
    real = raster._inflate
    monkeypatch.setattr(raster, "_inflate", lambda packed, most: (unpacked.append(1), real(packed, most))[1])
    packed = zlib.compress(b" " * 2000)
    huge = zlib.compress(b" " * (Limits().metadata + 1))
    base = saved(scene(), "PNG")
    for repeated in (
        chunk(b"zTXt", b"Comment\0\0" + packed),
        chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + packed),
        chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + huge),
        chunk(b"iCCP", b"x\0\0" + packed),
    ):
        unpacked.clear()
        assert is_orange_and_blue(base[:33] + repeated * 50 + base[33:])
        assert len(unpacked) <= 3, "once for each reading of the header"
    many = b"".join(chunk(b"zTXt", f"Comment {number}\0\0".encode() + packed) for number in range(150))
    unpacked.clear()
    inspect(base[:33] + many + base[33:], decode=False)
    assert len(unpacked) == 100


def test_an_avif_whose_items_lie_in_endless_pieces_is_refused() -> None:
    pieces = b"\0\0\0\0" + b"\0\0" + struct.pack(">H", 5000) + struct.pack(">HHH", 1, 0, 0xFFFF) * 5000
    meta = box(b"meta", b"\0\0\0\0" + box(b"pitm", b"\0\0\0\0\0\1") + box(b"iloc", pieces))
    assert "is damaged" in reason(box(b"ftyp", b"avif\0\0\0\0avifmif1") + meta, decode=False)
    signed = saved(scene(), "AVIF") + box(b"uuid", bytes(60_000)) * 100
    assert len(read_header(signed).manifest) <= Limits().metadata


def test_a_text_in_many_pieces_is_read_as_far_as_it_is_shown() -> None:
    body = packet("<dc:description>" + "words <b/>" * 60_000 + "</dc:description>")
    assert len(read_xmp(body)["caption"]) < 10_010


@pytest.mark.parametrize("name", ["JPEG", "PNG", "GIF", "WEBP", "AVIF"])
def test_a_file_that_is_cut_off_anywhere_is_refused(name: str) -> None:
    data = saved(scene("P" if name == "GIF" else "RGB"), name)
    for part in (0.2, 0.5, 0.8, 0.95, 0.99):
        text = reason(data[: int(len(data) * part)], decode=False)
        assert "is cut off" in text or "is damaged" in text, (part, text)


def test_damaged_pixels_are_refused_when_they_are_decoded() -> None:
    data = saved(scene(), "PNG")
    at = data.index(b"IDAT") + 8
    assert "is damaged" in reason(data[:at] + bytes(20) + data[at + 20 :])
    empty = png(10, 10, chunk(b"IEND", b""))
    assert "is damaged" in reason(empty)


def test_a_frame_that_is_larger_than_its_gif_is_refused() -> None:
    data = bytearray(saved(scene("P"), "GIF"))
    at = data.index(b",", 13 + 3 * 2 ** ((data[10] & 7) + 1))
    data[at + 5 : at + 9] = b"\xff\xff\xff\xff"
    assert "is damaged" in reason(bytes(data), decode=False)


def test_a_header_that_says_another_size_than_the_pixels_is_refused() -> None:
    data = bytearray(saved(scene(), "WEBP", xmp=b"<x/>"))
    data[24:27] = (4000).to_bytes(3, "little")
    assert reason(bytes(data))


def test_a_refusal_is_permanent_and_continues_a_sentence() -> None:
    assert issubclass(ImageRefused, Permanent)
    for data in (b"", b"x", saved(scene())[:300], png(0, 5, chunk(b"IEND", b""))):
        assert reason(data).startswith(("is ", "has "))


# --- Metadata ---


def packet(body: str, attributes: str = "") -> bytes:
    names = (
        'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/"'
        ' xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:e="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"'
    )
    return f"<rdf:RDF {names}><rdf:Description {attributes}>{body}</rdf:Description></rdf:RDF>".encode()


@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_texts_are_read_from_every_format(name: str) -> None:
    rights = "<dc:rights><rdf:Alt><rdf:li xml:lang='x-default'>© A &amp; B</rdf:li><rdf:li xml:lang='de'>nein</rdf:li></rdf:Alt></dc:rights>"
    body = f"{rights}<dc:description>At the\n quay</dc:description><e:DigitalSourceType rdf:resource='{IPTC}digitalCapture'/>"
    found = inspect(
        saved(scene(), name, **_with_xmp(name, packet(body, 'photoshop:Credit="Agency &lt;X&gt;"'))), decode=False
    )
    assert (found.credit, found.copyright, found.caption) == ("Agency <X>", "© A & B", "At the quay")
    assert found.source_type == "digitalCapture"


def _with_xmp(name: str, body: bytes) -> dict[str, Any]:
    if name != "PNG":
        return {"xmp": body}
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_itxt("XML:com.adobe.xmp", body.decode(), zip=True)
    return {"pnginfo": info}


def test_every_source_type_that_cameras_and_programs_write_is_read() -> None:
    for code in ("computationalCapture", "composite", "screenCapture"):
        for typed in (IPTC + code, f"https://cv.iptc.org/newscodes/digitalsourcetype/{code}/", f"digsrctype:{code}"):
            found = inspect(saved(scene(), xmp=packet("", f'e:DigitalSourceType="{typed}"')), decode=False)
            assert found.source_type == code, typed


def test_the_copyright_in_a_pngs_own_texts_counts_where_no_other_record_has_one() -> None:
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text("Copyright", "© Harbour Chart Co")
    info.add_text("Author", "Zoe Photographer")
    found = inspect(saved(scene(), "PNG", pnginfo=info), decode=False)
    assert (found.copyright, found.credit) == ("© Harbour Chart Co", "")


def test_older_records_are_read_and_newer_ones_decide() -> None:
    def dataset(number: int, text: bytes) -> bytes:
        return b"\x1c\x02" + bytes([number]) + struct.pack(">H", len(text)) + text

    records = (
        dataset(80, b"Zoe Photographer")
        + dataset(110, "Ägentur".encode())
        + dataset(116, b"\xa9 Old")
        + dataset(120, b"A port")
    )
    block = b"8BIM\x04\x04\0\0" + struct.pack(">I", len(records)) + records + b"\0" * (len(records) & 1)
    segment = b"Photoshop 3.0\0" + b"8BIM\x04\x25\0\0\0\0\0\x02ab" + block
    data = saved(scene(), xmp=packet("", 'photoshop:Credit="Newer"'))
    both = data[:2] + b"\xff\xed" + struct.pack(">H", len(segment) + 2) + segment + data[2:]
    assert inspect(both, decode=False).credit == "Newer"
    plain = saved(scene())
    found = inspect(plain[:2] + b"\xff\xed" + struct.pack(">H", len(segment) + 2) + segment + plain[2:], decode=False)
    assert (found.credit, found.copyright, found.caption) == ("Ägentur", "© Old", "A port")


def test_a_photographers_name_is_not_taken_for_a_credit() -> None:
    exif = Image.Exif()
    exif[0x013B], exif[0x8298], exif[0x010E] = "Zoe Photographer", "(c) Agency", "DSC0001"
    found = inspect(saved(scene(), exif=exif, xmp=packet("<dc:creator>Zoe Photographer</dc:creator>")), decode=False)
    assert (found.credit, found.copyright, found.caption) == ("", "(c) Agency", "")


def test_what_programs_leave_in_pictures_that_they_made_is_read() -> None:
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text("parameters", "a harbour, oil painting\nSteps: 20, Sampler: Euler a")
    assert inspect(saved(scene(), "PNG", pnginfo=info), decode=False).source_type == "trainedAlgorithmicMedia"
    manifest = b"jumb...c2pa.actions..digitalSourceType" + f"x{IPTC}compositeWithTrainedAlgorithmicMedia".encode()
    data = saved(scene(), xmp=packet("", f'e:DigitalSourceType="{IPTC}digitalCapture"'))
    signed = data[:2] + b"\xff\xeb" + struct.pack(">H", len(manifest) + 2) + manifest + data[2:]
    assert inspect(signed, decode=False).source_type == "compositeWithTrainedAlgorithmicMedia", (
        "what leaves most to a machine"
    )
    assert (
        inspect(saved(scene(), xmp=packet("", 'e:DigitalSourceType="http://x/invented"')), decode=False).source_type
        is None
    )


@pytest.mark.parametrize(
    "body",
    [
        b"<!DOCTYPE x [<!ENTITY a 'evil'>]>" + packet("", "photoshop:Credit='&a;'"),
        b"<!DOCTYPE x SYSTEM 'file:///etc/passwd'>" + packet("", "photoshop:Credit='evil'"),
        packet("<b>" * 300 + "evil" + "</b>" * 300 + "<photoshop:Credit>evil</photoshop:Credit>"),
        b"\xff\xfe<\0",
        b"",
    ],
)
def test_packets_that_no_tool_writes_say_nothing(body: bytes) -> None:
    assert inspect(saved(scene(), xmp=body or None), decode=False).credit == ""


def test_texts_are_cleaned_and_shortened_before_they_are_written() -> None:
    wild = Provenance("A\0\x1b[31m\u202eb\ud800 " + "x" * 5000, "]]>&<\"'", "https://evil.example/x")
    data = saved(scene())
    picture = inspect(data)
    for variant in (Variant(96, 64, name) for name in ("jpeg", "png", "webp", "avif")):
        found = inspect(derive(data, picture, variant, wild), decode=False)
        assert found.credit.startswith("A [31m")
        assert len(found.credit) == 300
        assert (found.copyright, found.source_type) == ("]]>&<\"'", None)


# --- Fuzzing ---


def mutated(data: bytes, random_: random.Random) -> bytes:
    """Return a file with some bytes changed, removed, doubled or moved."""
    body = bytearray(data)
    for _ in range(random_.randint(1, 3)):
        at = random_.randrange(len(body)) if random_.random() < 0.5 else random_.randrange(min(len(body), 200))
        act: Callable[[], object] = random_.choice([
            lambda at=at: body.__setitem__(at, random_.randrange(256)),
            lambda at=at: body.__setitem__(slice(at, at + 4), random_.choice([b"\xff" * 4, b"\0" * 4, b"\x7f\xff\xff\xff"])),
            lambda at=at: body.__delitem__(slice(at, at + random_.randint(1, 40))),
            lambda at=at: body.__setitem__(slice(at, at), body[at : at + random_.randint(1, 60)]),
        ])  # fmt: skip
        act()
        if len(body) < 20:
            break
    return bytes(body)


@cache
def seeds() -> list[bytes]:
    said = {"xmp": packet("<dc:rights>A</dc:rights>", "photoshop:Credit='B'")}
    exif = Image.Exif()
    exif[0x0112], exif[0x8298] = 6, "C"
    return [
        saved(scene("RGB", 24, 16), "JPEG", exif=exif, **said),
        saved(scene("CMYK", 24, 16), "JPEG", progressive=True),
        saved(scene("P", 24, 16), "PNG", exif=exif, **_with_xmp("PNG", said["xmp"])),
        saved(scene("P", 24, 16), "GIF", save_all=True, append_images=[scene("P", 24, 16).rotate(90)]),
        saved(scene("RGBA", 24, 16), "WEBP", exif=exif, **said),
        saved(scene("RGB", 24, 16), "WEBP", save_all=True, append_images=[scene("RGB", 24, 16).rotate(90)]),
        saved(scene("RGBA", 24, 16), "AVIF", exif=exif, **said),
    ]


def fuzz(first: int, number: int) -> None:
    for seed in range(first, first + number):
        random_ = random.Random(seed)
        data = mutated(random_.choice(seeds()), random_)
        try:
            picture = inspect(data, Limits(pixels=1_000_000, animated_pixels=4_000_000))
            files = plan(picture)
            derive(data, picture, files[-1])
        except NightdeskError:
            continue
        assert max(file.width for file in files) <= picture.width, seed


def test_damaged_files_are_refused_and_nothing_else_escapes() -> None:
    fuzz(0, examples(150))


@pytest.mark.deep
def test_damaged_files_are_refused_at_length() -> None:
    fuzz(random.randrange(10**9), 30_000)
