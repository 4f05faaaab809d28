"""`make measure-console`: the figures of the console in docs/benchmarks.md, taken with a real browser."""

from __future__ import annotations

import json
import statistics
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from tests.e2e import radio
from tests.e2e.browsers import launch
from tests.e2e.running import KPN, RunningServer, sandbox
from tests.person import Person
from veldnet.simulator.customer import Account
from veldnet.simulator.device import VirtualDevice

KEY = "8F1CA24B6D0E93577A21C4F8B3D6E905"
DEVICES, RATE, SECONDS, STREAMS = 25, 100, 40, 50


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        data = Path(directory) / "data"
        account = sandbox(data)
        server = RunningServer(data, VELDNET_CONSOLE__RATE_LIMIT="0")
        try:
            print(json.dumps(_measure(server, account), indent=2))
        finally:
            server.stop()


def _measure(server: RunningServer, account: Account) -> dict[str, Any]:
    user = Person(server, account.thingpark_username, account.thingpark_password)
    antenna = radio.Antenna(account.base_station_eui)
    antenna.connect(server.udp)
    fleet = [_device(user, account, antenna, number) for number in range(DEVICES)]
    found: dict[str, Any] = {}
    with sync_playwright() as playwright:
        browser = launch(playwright, "--enable-precise-memory-info", "--js-flags=--expose-gc")
        found["first view after signing in, s"] = statistics.median(
            _first_view(browser, server, account) for _ in range(7)
        )
        found["sign-in form at 400 kbit/s, s; KB"] = [_sign_in_form(browser, server) for _ in range(3)]
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        page = context.new_page()
        _sign_in(page, server, account)
        page.goto(f"{server.http}/console/logger")
        page.get_by_test_id("live-state").filter(has_text="Live").wait_for()
        page.evaluate(
            """() => { window.ticks = 0; window.slow = 0; let last = performance.now();
            const tick = () => { const now = performance.now(); window.ticks += 1;
              if (now - last > 200) window.slow += 1; last = now; requestAnimationFrame(tick); };
            requestAnimationFrame(tick); window.begun = performance.now(); }"""
        )
        sent = _send(antenna, fleet, page, found)
        page.wait_for_timeout(1500)
        ticks, slow, seconds = page.evaluate(
            "[window.ticks, window.slow, (performance.now() - window.begun) / 1000]"
        )
        found |= {
            "frames sent a second": round(sent / SECONDS, 1),
            "live state at the end": page.get_by_test_id("live-state").inner_text(),
            "pictures a second": round(ticks / seconds, 1),
            "pauses of the page over 200 ms": slow,
            "lines held": page.evaluate(
                "document.querySelector('[data-testid=frames]').scrollHeight / 34 | 0"
            ),
        }
        page.evaluate("window.gc && window.gc()")
        found["browser's heap, MB"] = round(page.evaluate("performance.memory.usedJSHeapSize") / 1e6, 1)
        browser.close()
    found["server's memory for each open stream, KB"] = _stream_memory(server, user)
    return found


def _device(user: Person, account: Account, antenna: radio.Antenna, number: int) -> VirtualDevice:
    eui = f"0059AC00AA{number:06X}"
    user.call(
        "POST",
        f"{KPN}/devices",
        {
            "EUI": eui,
            "name": f"Measured {number}",
            "applicationEUI": "0059AC0000000001",
            "applicationKey": KEY,
            "deviceProfileId": account.device_profile_id,
        },
        headers={"api-version": "v1.1.1"},
    )
    virtual = radio.device(eui, KEY)
    radio.join(antenna, virtual)
    return virtual


def _sign_in(page: Page, server: RunningServer, account: Account) -> None:
    page.goto(f"{server.http}/console/")
    page.get_by_label("User name").fill(account.thingpark_username)
    page.locator("input[name=password]").fill(account.thingpark_password)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("navigation", name="Menu").wait_for()


def _first_view(browser: Any, server: RunningServer, account: Account) -> float:
    """From the click to the whole of Home with its chart, with an empty cache."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{server.http}/console/")
    page.get_by_label("User name").fill(account.thingpark_username)
    page.locator("input[name=password]").fill(account.thingpark_password)
    begun = time.perf_counter()
    page.get_by_role("button", name="Sign in").click()
    page.locator("canvas").wait_for()
    seconds = time.perf_counter() - begun
    context.close()
    return round(seconds, 3)


def _sign_in_form(browser: Any, server: RunningServer) -> tuple[float, float]:
    """With an empty cache: seconds from the start of the page to its first content, and what was loaded by
    then, with headers."""
    context = browser.new_context()
    page = context.new_page()
    line = context.new_cdp_session(page)
    line.send("Network.enable")
    line.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": 40, "downloadThroughput": 50_000, "uploadThroughput": 50_000},
    )
    sizes: list[int] = []
    line.on("Network.loadingFinished", lambda loaded: sizes.append(int(loaded["encodedDataLength"])))
    page.goto(f"{server.http}/console/", wait_until="commit")
    page.get_by_label("User name").wait_for()
    size = sum(sizes)
    # The form is there before the browser says that it has painted it.
    page.wait_for_function("performance.getEntriesByName('first-contentful-paint').length")
    painted = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    context.close()
    return round(painted / 1000, 2), round(size / 1000, 1)


def _send(antenna: radio.Antenna, fleet: list[VirtualDevice], page: Page, found: dict[str, Any]) -> int:
    """Uplinks at the rate from a thread; meanwhile it is read off the page how old the newest line is."""
    counted = 0

    def send() -> None:
        nonlocal counted
        begun = time.monotonic()
        while (elapsed := time.monotonic() - begun) < SECONDS:
            while counted < elapsed * RATE:
                antenna.hear(fleet[counted % len(fleet)].uplink(2, counted.to_bytes(4, "big")))
                counted += 1
            if counted % (RATE * 5) < RATE // 10:
                antenna.keep_alive()
            time.sleep(0.01)

    thread = threading.Thread(target=send)
    thread.start()
    ages = []
    while thread.is_alive():
        page.wait_for_timeout(500)
        shown = page.evaluate(
            """() => { const found = document.querySelector(".logger-row[data-type] time");
            return found ? Date.now() - new Date(found.dateTime).getTime() : null; }"""
        )
        if shown is not None:
            ages.append(shown)
    thread.join()
    found["age of the newest line on the screen, ms, median"] = round(statistics.median(ages[4:]))
    found["the same, worst"] = round(max(ages[4:]))
    return counted


def _resident(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0])


def _stream_memory(server: RunningServer, user: Person) -> float:
    before = _resident(server.process.pid)
    with ExitStack() as open_streams:
        for _ in range(STREAMS):
            open_streams.enter_context(user.live())
        return round((_resident(server.process.pid) - before) / STREAMS, 1)


if __name__ == "__main__":
    main()
