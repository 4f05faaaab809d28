"""`make pictures`: the screenshots that the documentation shows, of the console with the demo running."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
from playwright.sync_api import Page, sync_playwright

from tests.e2e import radio
from tests.e2e.browsers import launch

ROOT = Path(__file__).parents[2]
IMAGES = ROOT / "docs" / "images"
SIZE = {"width": 1440, "height": 860}
# Name, path, dark, and whose.
PICTURES = (
    ("home", "/", False, "sandbox"),
    ("devices", "/devices", False, "sandbox"),
    ("map", "/devices?view=map", True, "sandbox"),
    ("device", "/devices/1", False, "sandbox"),
    ("charts", "/devices/1?tab=charts&days=1&form=frames", True, "sandbox"),
    ("readings", "/devices/1?tab=readings", False, "sandbox"),
    ("logger", "/logger", False, "sandbox"),
    ("logger-dark", "/logger", True, "sandbox"),
    ("alarms", "/alarms", False, "sandbox"),
    ("decoder", "/decoders/1", True, "sandbox"),
    ("network", "/operator", False, "operator"),
    ("base-station", "/operator/base-stations/FF000001", True, "operator"),
)


def main(seconds: float) -> None:
    with tempfile.TemporaryDirectory() as directory:
        demo = subprocess.Popen(
            [
                *(sys.executable, "-m", "veldnet", "demo", "--data", f"{directory}/data"),
                *("--http", "127.0.0.1:0", "--udp", "127.0.0.1:0", "--devices", "24", "--period", "4"),
            ],
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            _take(demo, seconds)
        finally:
            demo.terminate()
            demo.wait(timeout=30)


def _take(demo: subprocess.Popen[str], seconds: float) -> None:
    assert demo.stdout is not None
    printed = ""
    for line in demo.stdout:
        printed += line
        if " joined as " in line:
            break
    http = _found(printed, r"HTTP API +(http://\S+)")
    host, _colon, port = _found(printed, r"udp://(\S+)").rpartition(":")
    password = _found(printed, r"its password +(\S+)")
    _add_a_wrong_key(http, (host, int(port)), password)
    print(f"letting the town live for {seconds:g} s", flush=True)
    _drain(demo, time.monotonic() + seconds)
    with sync_playwright() as playwright:
        browser = launch(playwright)
        for name, path, dark, who in PICTURES:
            context = browser.new_context(
                viewport=SIZE,  # type: ignore[arg-type]
                color_scheme="dark" if dark else "light",
                locale="en-GB",
                timezone_id="Europe/Amsterdam",
            )
            page = context.new_page()
            page.goto(f"{http}/console/")
            page.get_by_label("User name").fill(f"{who}@veldnet.example")
            page.locator("input[name=password]").fill(password)
            page.get_by_role("button", name="Sign in").click()
            page.get_by_role("navigation", name="Menu").wait_for()
            page.goto(f"{http}/console{path}")
            _prepare(page, name)
            page.screenshot(path=IMAGES / f"console-{name}.png")
            print(f"console-{name}.png", flush=True)
            context.close()
        browser.close()


def _prepare(page: Page, name: str) -> None:
    page.wait_for_timeout(2500)
    if name == "logger":
        row = page.locator(".logger-row[data-type=UPLINK_DATA]").filter(has_text="temperature").first
        page.get_by_role("button", name="Pause").click()
        page.wait_for_timeout(500)
        row.get_by_role("button", name=re.compile("Details of")).click()
        # Near the top, with a few lines above it.
        row.evaluate(
            """row => { const box = row.closest("[data-testid=frames]");
            box.scrollTop += row.getBoundingClientRect().top - box.getBoundingClientRect().top - 140; }"""
        )
    elif name == "decoder":
        page.get_by_role("tab", name="Stored frames").click()
        page.get_by_role("combobox", name="Device", exact=True).click()
        page.get_by_role("option").first.click()
        page.get_by_role("button", name="Run").click()
    page.wait_for_timeout(1500)


def _found(text: str, pattern: str) -> str:
    match = re.search(pattern, text)
    assert match is not None, f"{pattern} is not in {text}"
    return match[1]


def _drain(demo: subprocess.Popen[str], end: float) -> None:
    """Let the demo print, for a full pipe would stop it."""
    assert demo.stdout is not None
    for _line in demo.stdout:
        if time.monotonic() > end:
            return


def _add_a_wrong_key(http: str, udp: tuple[str, int], password: str) -> None:
    """A device whose AppKey is not the one on record, so that there is something to diagnose."""
    with httpx.Client(base_url=http) as client:
        signed_in = client.post(
            "/api/v1/session", json={"username": "sandbox@veldnet.example", "password": password}
        ).json()
        headers = {"x-csrf-token": signed_in["csrfToken"]}
        profiles = client.get("/data/lora/thingpark/deviceProfiles").json()
        groups = client.get("/data/lora/thingpark/hsmGroups").json()
        created = client.post(
            "/data/lora/thingpark/devices",
            headers=headers,
            json={
                "name": "Kade, spare pump",
                "EUI": "0059AC10FFFF0001",
                "applicationEUI": "0059AC0000000001",
                "applicationKey": "8F1CA24B6D0E93577A21C4F8B3D6E905",
                "deviceProfileId": profiles[0]["id"],
                "hsmGroupId": groups[0]["id"],
                "geoLatitude": 52.083,
                "geoLongitude": 5.128,
            },
        )
        assert created.status_code == 201, created.text
        signed_in = client.post(
            "/api/v1/session", json={"username": "operator@veldnet.example", "password": password}
        ).json()
        station = client.get("/api/v1/operator/baseStations").json()[0]["gatewayEUI"]
    antenna = radio.Antenna(station)
    antenna.connect(udp)
    for _ in range(12):
        antenna.hear(radio.device("0059AC10FFFF0001", "00112233445566778899AABBCCDDEE00").join_request())
        time.sleep(0.3)


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 90)
