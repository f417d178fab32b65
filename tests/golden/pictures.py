"""Writes pictures/: small files of every kind that gabor decodes, and pixels.txt, what Pillow makes of them (run once,
with Pillow 9.4.0 over libjpeg-turbo 2.1, libpng 1.6 and libwebp 1.2).

A line of pixels.txt: file, height, width, R,G,B bytes in hex. Turned upright by EXIF; alpha laid over black; of 16 bits
the high byte.
"""
import os
from PIL import Image, ImageOps

os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), "pictures"))
WIDTH, HEIGHT = 13, 10


def level(x, y, c):
    return (31 * (c + 1) + 13 * x * (c + 1) + 17 * y * (3 - c) + (90 if (x // 4 + y // 3) % 2 else 0)) % 256 // 2 + 60


def make(mode):
    bands = len(Image.new(mode, (1, 1)).getbands())
    image = Image.new(mode, (WIDTH, HEIGHT))
    for y in range(HEIGHT):
        for x in range(WIDTH):
            value = tuple(level(x, y, c) if c < 3 or mode == "CMYK" else (x * 21 + y) % 256 for c in range(bands))
            image.putpixel((x, y), value if bands > 1 else value[0])
    return image


rgb, gray, rgba, cmyk = make("RGB"), make("L"), make("RGBA"), make("CMYK")
palette = rgb.quantize(16)
deep = Image.new("I;16", (WIDTH, HEIGHT))
for y in range(HEIGHT):
    for x in range(WIDTH):
        deep.putpixel((x, y), level(x, y, 0) * 256 + 7 * x)
exif = Image.Exif()
exif[0x0112] = 6

files = {
    "444.jpg": lambda f: rgb.save(f, quality=90, subsampling=0),
    "420.jpg": lambda f: rgb.save(f, quality=75, subsampling=2),
    "422-progressive.jpg": lambda f: rgb.save(f, quality=60, subsampling=1, progressive=True),
    "gray.jpg": lambda f: gray.save(f, quality=80),
    "cmyk.jpg": lambda f: cmyk.save(f, quality=95),
    "turned.jpg": lambda f: rgb.save(f, quality=85, exif=exif.tobytes()),
    "rgb.png": lambda f: rgb.save(f),
    "rgba.png": lambda f: rgba.save(f),
    "gray.png": lambda f: gray.save(f),
    "gray-alpha.png": lambda f: Image.merge("LA", (gray, rgba.getchannel("A"))).save(f),
    "gray16.png": lambda f: deep.save(f),
    "palette.png": lambda f: palette.save(f),
    "palette-alpha.png": lambda f: palette.save(f, transparency=bytes(range(10, 170, 10))),
    "bit.png": lambda f: gray.convert("1").save(f),
    "turned.png": lambda f: rgb.save(f, exif=exif.tobytes()),
    "rgb.bmp": lambda f: rgb.save(f),
    "palette.bmp": lambda f: palette.save(f),
    "bit.bmp": lambda f: gray.convert("1").save(f),
    "lossy.webp": lambda f: rgb.save(f, quality=80),
    "lossless.webp": lambda f: rgb.save(f, lossless=True),
    "alpha.webp": lambda f: rgba.save(f, lossless=True, exact=True),
    "turned.webp": lambda f: rgb.save(f, lossless=True, exif=exif.tobytes()),
}


def pixels(name):
    image = ImageOps.exif_transpose(Image.open(name))
    if image.mode.startswith("I"):
        image = Image.frombytes("L", image.size, bytes(v >> 8 for v in image.getdata()))
    if image.mode in ("RGBA", "LA") or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, (0, 0, 0, 255)), image)
    return image.convert("RGB")


with open("pixels.txt", "w") as out:
    for name, save in sorted(files.items()):
        save(name)
        image = pixels(name)
        print(name, image.height, image.width, image.tobytes().hex(), file=out)
