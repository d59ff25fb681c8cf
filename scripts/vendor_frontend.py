"""Refresh the vendored front end (htmx, Figtree, lucide icons, Leaflet) and the licence texts that travel with it.

Run `python scripts/vendor_frontend.py` after changing a version below or a name in icons.txt, then commit the result.
It needs npm only to fetch and verify the packages; nothing in the project is built with Node.
"""

import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

STATIC = Path(__file__).resolve().parent.parent / "marketplace" / "static"
VENDOR = STATIC / "vendor"
MAPS = STATIC.parents[1] / "plugins" / "sharing" / "static" / "vendor"
HTMX, FIGTREE, LUCIDE = "htmx.org@4.0.1", "@fontsource-variable/figtree@5.3.0", "lucide-static@1.62.0"
LEAFLET = "leaflet@1.9.4"

ICONS = Path(__file__).with_name("icons.txt").read_text().split()


def fetch(package: str, into: Path) -> Path:
    """Download one npm package (npm checks its integrity) and return the folder of its files."""
    npm = shutil.which("npm")
    if npm is None:
        sys.exit("npm was not found; it is needed only to refresh the vendored files.")
    made = subprocess.run(  # noqa: S603 - fixed command, fixed package names
        [npm, "pack", package, "--json", "--pack-destination", str(into)], check=True, capture_output=True, text=True
    )
    answer = json.loads(made.stdout)
    facts = answer[0] if isinstance(answer, list) else next(iter(answer.values()))
    name = facts["filename"].replace("@", "").replace("/", "-")
    folder = into / name.removesuffix(".tgz")
    shutil.unpack_archive(into / name, folder, "gztar")  # npm has checked what is in it
    return folder / "package"


def sprite(icons: Path) -> str:
    """One SVG file with a <symbol> per icon; stroke and colour come from the .icon class, through inheritance."""
    parts = ['<svg xmlns="http://www.w3.org/2000/svg">']
    for name in sorted(ICONS):
        source = icons / f"{name}.svg"
        if not source.exists():
            near = sorted(p.stem for p in icons.glob(f"*{name.split('-')[0]}*"))
            sys.exit(f"lucide has no icon {name!r}; near it: {', '.join(near[:20])}")
        drawn = re.search(r"<svg[^>]*>(.*)</svg>", source.read_text(), re.DOTALL)
        if drawn is None:
            sys.exit(f"{source} is not an SVG picture")
        shapes = re.sub(r">\s+<", "><", drawn.group(1).strip()).replace(" />", "/>")
        parts.append(f'<symbol id="{name}" viewBox="0 0 24 24">{shapes}</symbol>')
    return "\n".join([*parts, "</svg>", ""])


def main() -> None:
    """Fetch the packages and write the files, each with its licence beside it."""
    licences = VENDOR / "licences"
    for folder in (VENDOR / "fonts", licences):
        folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        htmx, figtree, lucide = (fetch(package, Path(place)) for package in (HTMX, FIGTREE, LUCIDE))
        shutil.copyfile(htmx / "dist" / "htmx.min.js", VENDOR / "htmx.min.js")
        for subset in ("latin", "latin-ext"):
            shutil.copyfile(
                figtree / "files" / f"figtree-{subset}-wght-normal.woff2", VENDOR / "fonts" / f"figtree-{subset}.woff2"
            )
        (VENDOR / "icons.svg").write_text(sprite(lucide / "icons"))
        vendor_leaflet(fetch(LEAFLET, Path(place)))
        for package, folder, name in ((HTMX, htmx, "htmx"), (FIGTREE, figtree, "figtree"), (LUCIDE, lucide, "lucide")):
            text = (folder / "LICENSE").read_text().rstrip()
            (licences / f"{name}.txt").write_text(f"{package}, unchanged\n\n{text}\n")
    for path in sorted([*VENDOR.rglob("*"), *MAPS.rglob("*")]):
        if path.is_file():
            sys.stdout.write(f"{path.stat().st_size:>8}  {path.relative_to(STATIC.parents[1])}\n")


def vendor_leaflet(folder: Path) -> None:
    """Write Leaflet's script and style; its pictures are for markers that the maps here have none of."""
    (MAPS / "licences").mkdir(parents=True, exist_ok=True)
    for name in ("leaflet.js", "leaflet.css"):
        shutil.copyfile(folder / "dist" / name, MAPS / name)
    text = (folder / "LICENSE").read_text().rstrip()
    (MAPS / "licences" / "leaflet.txt").write_text(f"{LEAFLET}, unchanged\n\n{text}\n")


if __name__ == "__main__":
    main()
