"""Files that nobody means to write: settings and numbers as JSON and CSV, and pictures."""

import json
import struct
import time
import zlib

import numpy as np

VALUES = [
    "null", "true", "-1", "0", "1", "0.5", "1e999", "-1e999", "NaN", "9" * 400, "-" + "9" * 400,
    "9" * 5000, '""', '"none"', '"\\ud800"', '"x\\u0000"', '"' + "x" * 10_000 + '"', "[]", "[0]",
    "[[1]]", "[null]", "{}", '{"a": 1}', "[" + "9" * 400 + "]", '"restarts(100, 1e10)"',
    '"constant(' + "9" * 400 + ')"', '"' + "(" * 300 + '"', "[" * 500 + "]" * 500,
    "[" * 100_000 + "]" * 100_000, '"/dev/zero"', "nul", "[1", '{"a": }', "1e-999", "0x1", "\\",
]  # fmt: skip


def within_a_second(call, case):
    """Return what a call returns; it takes less than a second of this thread's processor time.

    Other processes make a measurement longer, never shorter: one of three below the bound counts.
    """
    times = []
    while len(times) < 3 and min(times, default=1) >= 1:
        start = time.thread_time()
        result = call()
        times.append(time.thread_time() - start)
    assert min(times) < 1, (case, times)
    return result


def paths(value, path=()):
    """Yield where each value stands in nested dictionaries and lists."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inside in items:
        yield (*path, key)
        if isinstance(inside, dict | list):
            yield from paths(inside, (*path, key))


def _with(value, path, text):
    """Return JSON in which the text stands at a path."""
    mark = "\x00here"
    copy = json.loads(json.dumps(value))
    inside = copy
    for key in path[:-1]:
        inside = inside[key]
    inside[path[-1]] = mark
    return json.dumps(copy).replace(json.dumps(mark), text)


def json_file(draw, value):
    """Return the bytes of a JSON file with something wrong in it, or not quite.

    Args:
        draw: a ``random.Random``.
        value: what the file should hold.
    """
    kind = draw.randrange(8)
    if kind < 5:
        return _with(value, draw.choice(list(paths(value))), draw.choice(VALUES)).encode()
    if kind == 5:  # a name that is missing, or another
        copy = json.loads(json.dumps(value))
        inside = copy
        *path, key = draw.choice(list(paths(value)))
        for one in path:
            inside = inside[one]
        kept = inside.pop(key)
        if draw.random() < 0.5 and isinstance(inside, dict):
            inside[draw.choice(["x", "\ud800", "", key.upper()])] = kept
        return json.dumps(copy).encode()
    if kind == 6:
        return draw.choice(VALUES).encode()
    return damaged(draw, json.dumps(value).encode())


def damaged(draw, data):
    """Return bytes of which a few were changed, cut off or added."""
    data = bytearray(data)
    for _ in range(draw.randint(1, 3)):
        place = draw.randrange(len(data) + 1)
        match draw.randrange(4):
            case 0 if place < len(data):
                data[place] ^= 1 << draw.randrange(8)
            case 1:
                del data[place:]
            case 2:
                data[place:place] = bytes(draw.randrange(256) for _ in range(draw.randint(1, 9)))
            case _:
                del data[place : place + draw.randint(1, 40)]
    return bytes(data)


def png(width, height, kind=0, pixels=b"", *more):
    """Return a PNG that claims a size, whatever it holds.

    Args:
        width: in pixels.
        height: in pixels.
        kind: the colour type: 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGBA.
        pixels: its rows, each behind a zero.
        *more: chunks before the pixels, each a name and its bytes.
    """
    header = struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)
    chunks = [(b"IHDR", header), *more, (b"IDAT", zlib.compress(pixels)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )


def picture(draw, seeds):
    """Return the bytes of a picture file with something wrong in it.

    Args:
        draw: a ``random.Random``.
        seeds: sound files.
    """
    kind = draw.randrange(6)
    if kind == 0:
        size = [0, 1, 28, 65_535, 65_536, 178_956_970, 2**31 - 1, 2**32 - 1]
        return png(draw.choice(size), draw.choice(size), draw.choice([0, 2, 3, 4, 6, 7]))
    if kind == 1:
        width, height = draw.choice([(8192, 6144), (65_536, 768), (1, 65_536), (8193, 6144)])
        rows = (b"\0" + bytes(width * 4)) * min(height, draw.choice([1, 64, height // 8]))
        return png(width, height, 6, rows)
    if kind == 2:  # text that unpacks to far more than it is
        return png(9, 9, 0, bytes(90), (b"zTXt", b"x\0\0" + zlib.compress(bytes(10**7))))
    return damaged(draw, draw.choice(seeds))


def sound_pictures():
    """Return small files of the formats that people have."""
    import io

    from PIL import Image

    exif = Image.Exif()
    exif[0x0112] = 6
    grey = Image.fromarray(np.indices((40, 60)).sum(axis=0).astype(np.uint8))
    found = []
    for mode, form, options in [
        ("L", "PNG", {}), ("RGBA", "PNG", {}), ("P", "PNG", {}), ("RGB", "JPEG", {"exif": exif}),
        ("CMYK", "JPEG", {}), ("L", "JPEG", {"progressive": True}), ("P", "GIF", {}),
        ("RGB", "BMP", {}), ("RGB", "TIFF", {"compression": "tiff_lzw"}), ("I;16", "TIFF", {}),
        ("RGB", "WEBP", {}), ("RGB", "PPM", {}), ("RGBA", "ICO", {}), ("RGB", "TGA", {}),
    ]:  # fmt: skip
        stream = io.BytesIO()
        grey.convert(mode).save(stream, form, **options)
        found.append(stream.getvalue())
    return found
