"""Pictures of the Prefect UI for README: `python -m tests.server.screenshots URL FOLDER`.

The server at URL has a finished run of `discover` and, for the start form, the deployment of `discover-form`; what it
does not have is left out.
"""

import argparse
import json
import urllib.request
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Page, sync_playwright

CHROMIUM = "/usr/bin/chromium"
WIDTH, HEIGHT = 1400, 900
MAX_BYTES = 150_000
_WAIT_MS = 15_000
_COLOURS = 64

Row = dict[str, Any]


def ask(url: str, route: str, question: Row) -> list[Row]:
    """Return what the server's API lists."""
    request = urllib.request.Request(  # noqa: S310 - the URL that the caller gave
        f"{url}/api/{route}/filter", json.dumps(question).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        found: list[Row] = json.load(answer)
    return found


def pages(url: str) -> dict[str, str]:
    """Return the address of each page that is worth a picture, by the name of the picture."""
    newest = {"sort": "START_TIME_DESC", "limit": 10}
    finished = {
        "flows": {"name": {"any_": ["discover"]}},
        "flow_runs": {"state": {"type": {"any_": ["COMPLETED"]}}},
    }
    runs = ask(url, "flow_runs", {**newest, **finished})
    runs.sort(key=lambda run: run["total_run_time"], reverse=True)  # one from the cache has little to show
    summaries = ask(
        url, "artifacts", {"sort": "CREATED_DESC", "limit": 1, "artifacts": {"key": {"like_": "%-summary"}}}
    )
    forms = ask(url, "deployments", {"limit": 1, "flows": {"name": {"any_": ["discover-form"]}}})
    addresses = (
        ("run", "runs/flow-run/{id}", runs),
        ("summary", "artifacts/artifact/{id}", summaries),
        ("form", "deployments/deployment/{id}/run", forms),
    )
    return {name: f"{url}/{route.format(id=found[0]['id'])}" for name, route, found in addresses if found}


def take(page: Page, address: str, target: Path) -> None:
    """Take one picture and make it small: a palette is enough for a page of text."""
    page.goto(address)
    page.wait_for_timeout(_WAIT_MS)
    page.screenshot(path=target)
    with Image.open(target) as picture:
        picture.convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE).save(target, optimize=True)


def main() -> None:
    """Take all pictures and say how large they are."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("folder", type=Path)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        for name, address in pages(given.url.rstrip("/")).items():
            target = given.folder / f"{name}.png"
            take(page, address, target)
            size = target.stat().st_size
            print(f"{target}: {size:,} bytes{' (too large)' if size > MAX_BYTES else ''}")  # noqa: T201
        browser.close()


if __name__ == "__main__":
    main()
