"""Accounts in a real browser, with a real mail server and a real identity provider: an invitation, passwords,
sessions, API keys, the second factor, and signing in with OpenID Connect."""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import oidc_provider_mock
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.authenticator import code_at
from tests.e2e.desk import WIDTHS, save_data
from tests.e2e.languages import LOCALES, Spoken, speaking
from tests.e2e.looks import EVERYTHING, Looks, paint, resize
from tests.e2e.running import RunningServer, sandbox
from tests.monitoring.post_office import PostOffice
from tests.person import Person
from veldnet.simulator.customer import Account

PASSWORD = "correct horse battery"
# Of the first sandbox in a data directory.
CUSTOMER = "100000001"


class Place:
    """A server with its mail server and identity provider."""

    def __init__(self, directory: Path, post: PostOffice, issuer: str) -> None:
        self.account: Account = sandbox(directory / "data")
        self.post = post
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{probe.getsockname()[1]}"
        # By its name: browsers have no passkeys for IP addresses.
        self.http = address.replace("127.0.0.1", "http://localhost")
        (directory / "secret").write_text("secret of the client\n")
        provider = {
            "issuer": issuer,
            "client_id": "veldnet",
            "client_secret_file": str(directory / "secret"),
            "label": "Town hall",
            "create_users": True,
            "subscriber_claim": "company",
            "subscribers": {"fen": CUSTOMER},
            "role_claim": "groups",
            "roles": {"field": "ro", "managers": "admin"},
        }
        self.server = RunningServer(
            directory / "data",
            "--http",
            address,
            VELDNET_CONSOLE__RATE_LIMIT="0",
            VELDNET_MAIL__HOST="127.0.0.1",
            VELDNET_MAIL__PORT=str(post.port),
            VELDNET_MAIL__SECURITY="none",
            VELDNET_SIGN_IN__URL=self.http,
            VELDNET_SIGN_IN__PROVIDERS=json.dumps({"hall": provider}),
        )

    def link(self, count: int) -> str:
        """The link of the newest of so many messages, with what it says in its language."""
        end = time.monotonic() + 20
        while len(self.post.messages) < count:
            assert time.monotonic() < end, "no message came"
            time.sleep(0.05)
        body = self.post.messages[count - 1].get_body(("plain",))
        assert body is not None
        found = re.search(r"https?://\S+", str(body.get_content()))
        assert found
        return found[0]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    directory = tmp_path_factory.mktemp("accounts")
    people = [
        oidc_provider_mock.User(
            sub="248", claims={"preferred_username": "fien", "company": "fen", "groups": ["managers"]}
        ),
        oidc_provider_mock.User(sub="nobody", claims={"preferred_username": "visitor"}),
        oidc_provider_mock.User(sub="anna", claims={"preferred_username": "anna", "company": "fen"}),
    ]
    with (
        PostOffice(directory) as post,
        oidc_provider_mock.run_server_in_thread(user_claims=people) as provider,
    ):
        found = Place(directory, post, f"http://localhost:{provider.server_port}")
        yield found
        assert found.server.stop() == 0


class Pages:
    """Of the tests of this file: a page that has loaded the console before loads it with half of the
    work. What it speaks is settled when it is made."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._free: dict[str, list[Page]] = {}

    def take(self, *, dark: bool = False, language: str = "en-GB") -> Page:
        """A page of nobody."""
        free = self._free.setdefault(language, [])
        page = free.pop() if free else self._new(language)
        paint(page, "dark" if dark else "light")
        resize(page, WIDTHS[0])
        return page

    def _new(self, language: str) -> Page:
        context = self._browser.new_context(
            viewport={"width": 1440, "height": 900}, locale=language, reduced_motion="reduce"
        )
        page = context.new_page()
        save_data(page)
        page.set_default_timeout(30_000)
        return page

    def give_back(self, place: Place, *pages: Page) -> None:
        """They keep nothing of who was there, at either address."""
        for page in pages:
            for address in (place.http, place.server.http):
                page.goto(f"{address}/healthz")
                page.evaluate("localStorage.clear(); sessionStorage.clear()")
            page.context.clear_cookies()
            self._free[page.evaluate("navigator.language")].append(page)


@pytest.fixture(scope="module")
def pages(browser: Browser) -> Pages:
    return Pages(browser)


def accessible(page: Page, *, walked: bool = False) -> None:
    """Axe finds nothing on a desk and a phone, in `make screens` on a tablet, too, and nothing is wider than
    the page. What `test_screens` has `walked` is looked at here in `make screens` alone."""
    if walked and not EVERYTHING:
        return
    looks = Looks(page)
    for width in WIDTHS if EVERYTHING else (WIDTHS[0], WIDTHS[-1]):
        looks.at(width)
    resize(page, WIDTHS[0])


def sign_in(page: Page, place: Place, username: str, password: str) -> None:
    page.goto(f"{place.http}/console/")
    page.locator("input[name=username]").fill(username)
    page.locator("input[name=password]").fill(password)
    page.locator("button[type=submit]").click()


def test_from_an_invitation_to_a_second_factor(pages: Pages, place: Place) -> None:
    account = place.account
    admin = pages.take()
    sign_in(admin, place, account.thingpark_username, account.thingpark_password)
    _invite(admin, "anna@example.com")

    anna = pages.take(dark=True, language="nl-NL")
    anna.goto(place.link(1))
    expect(anna.get_by_text("Sandbox User nodigt u uit")).to_be_visible()
    accessible(anna)
    anna.get_by_label("Uw naam").fill("Anna")
    anna.locator("input[name=password]").fill(PASSWORD)
    anna.get_by_role("button", name="Uitnodiging accepteren").click()
    anna.get_by_role("link", name="Aanmelden").click()
    expect(anna.get_by_role("button", name="Aanmelden", exact=True)).to_be_visible()
    accessible(anna)
    sign_in(anna, place, "anna@example.com", PASSWORD)
    expect(anna.get_by_role("navigation", name="Menu")).to_be_visible()
    expect(anna.get_by_role("link", name="Gebruikers")).to_have_count(0)

    anna.goto(f"{place.http}/console/account")
    anna.get_by_role("button", name="Nieuwe API-sleutel").click()
    dialog = anna.get_by_role("dialog")
    dialog.get_by_label("Naam").fill("script")
    dialog.get_by_role("button", name="Aanmaken").click()
    key = anna.get_by_test_id("once").inner_text()
    asked = httpx.get(f"{place.http}/api/v1/devices", headers={"authorization": f"Bearer {key}"}, timeout=30)
    assert asked.status_code == 200
    secret = _enrol(anna)
    accessible(anna, walked=True)

    phone = pages.take()
    sign_in(phone, place, "anna@example.com", PASSWORD)
    phone.get_by_label("Code").fill("000000")
    phone.get_by_role("button", name="Sign in", exact=True).click()
    expect(phone.get_by_role("alert")).to_contain_text("The code is wrong")
    accessible(phone)
    # The code that set it up was used; the next one counts already, for clocks that are ahead.
    phone.get_by_label("Code").fill(code_at(secret, time.time() + 30))
    phone.get_by_role("button", name="Sign in", exact=True).click()
    expect(phone.get_by_role("navigation", name="Menu")).to_be_visible()

    admin.reload()
    admin.get_by_role("button", name="Actions for Anna").click()
    admin.get_by_role("menuitem", name="Sessions and API keys").click()
    ends = admin.get_by_role("dialog").get_by_role("button", name="End")
    expect(ends).to_have_count(2)
    accessible(admin, walked=True)
    ends.first.click()
    expect(ends).to_have_count(1)
    phone.reload()
    expect(phone.get_by_role("button", name="Sign in", exact=True)).to_be_visible()

    admin.keyboard.press("Escape")
    _suspend(admin, "Anna")
    anna.reload()
    expect(anna.get_by_role("button", name="Aanmelden", exact=True)).to_be_visible()
    sign_in(anna, place, "anna@example.com", PASSWORD)
    expect(anna.get_by_role("alert")).to_contain_text("is verwijderd of opgeschort")
    pages.give_back(place, admin, anna, phone)


def _suspend(admin: Page, name: str) -> None:
    admin.get_by_role("button", name=re.compile(f"Actions for .*{name}")).click()
    admin.get_by_role("menuitem", name="Suspend").click()
    admin.get_by_role("dialog").get_by_role("button", name="Suspend").click()
    expect(admin.get_by_role("row", name=re.compile(name))).to_contain_text("Suspended")


def _invite(admin: Page, email: str) -> None:
    admin.get_by_role("link", name="Users").click()
    admin.get_by_role("button", name="Invite user").click()
    dialog = admin.get_by_role("dialog")
    dialog.get_by_label("E-mail address").fill(email)
    dialog.get_by_label("Role").click()
    admin.get_by_role("option", name="read-write").click()
    accessible(admin, walked=True)
    dialog.get_by_role("button", name="Send invitation").click()
    expect(admin.get_by_text(f"Invitation sent to {email}")).to_be_visible()
    accessible(admin, walked=True)


def _enrol(page: Page) -> str:
    """Set up the second factor in Dutch; returns its secret."""
    page.get_by_role("button", name="Tweede factor instellen").click()
    dialog = page.get_by_role("dialog")
    dialog.locator("input[name=password]").fill(PASSWORD)
    dialog.locator("button[type=submit]").click()
    expect(dialog.get_by_role("img", name="QR-code")).to_be_visible()
    secret = dialog.get_by_test_id("secret").inner_text()
    accessible(page)
    dialog.locator("input[name=code]").fill(code_at(secret, time.time()))
    dialog.get_by_role("button", name="Bevestigen").click()
    assert len(dialog.get_by_test_id("recovery").inner_text().split()) == 10
    dialog.get_by_role("button", name="Ik heb de codes bewaard").click()
    expect(page.get_by_text("Nog 10 herstelcodes over")).to_be_visible()
    return secret


def _add_passkey(page: Page, name: str, password: str) -> None:
    page.get_by_role("button", name="Add passkey").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill(name)
    dialog.locator("input[name=password]").fill(password)
    accessible(page)
    dialog.get_by_role("button", name="Add passkey").click()
    assert len(dialog.get_by_test_id("recovery").inner_text().split()) == 10
    dialog.get_by_role("button", name="I have saved the codes").click()
    expect(page.get_by_role("button", name=f"Remove passkey {name}")).to_be_visible()
    expect(page.get_by_text("also requires one of your passkeys")).to_be_visible()
    accessible(page)


def _colleague(place: Place, name: str) -> str:
    """A user of the sandbox with a password; its name."""
    admin = Person(place.server, place.account.thingpark_username, place.account.thingpark_password)
    before = len(place.post.messages)
    admin.call("POST", "/api/v1/invitations", {"email": f"{name}@example.com", "role": "rw"})
    token = place.link(before + 1).partition("#")[2]
    body = {"token": token, "username": f"{name}@example.com", "displayName": name, "password": PASSWORD}
    assert httpx.post(f"{place.http}/api/v1/invitation/acceptance", json=body).status_code == 204
    return f"{name}@example.com"


@pytest.mark.parametrize("spoken", ["en", "nl"] if EVERYTHING else ["nl"])
def test_a_passkey_from_adding_it_to_a_second_browser(pages: Pages, place: Place, spoken: Spoken) -> None:
    with speaking(spoken):
        _passkey(pages, place, spoken)


def _passkey(pages: Pages, place: Place, spoken: Spoken) -> None:
    name, password = _colleague(place, f"passkey-{spoken}"), PASSWORD
    page = pages.take(dark=True, language=LOCALES[spoken])
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
    }
    made = devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    device = {"authenticatorId": made["authenticatorId"]}
    sign_in(page, place, name, password)
    page.get_by_role("navigation", name="Menu").wait_for()
    page.goto(f"{place.http}/console/account")
    expect(page.get_by_text("No passkeys")).to_be_visible()
    _add_passkey(page, "Laptop", password)

    # After the password it is the second factor, and it signs in alone.
    menu = page.get_by_role("navigation", name="Menu")
    page.context.clear_cookies()
    sign_in(page, place, name, password)
    page.get_by_role("button", name="Use a passkey").wait_for()
    accessible(page)
    page.get_by_role("button", name="Use a passkey").click()
    menu.wait_for()
    page.context.clear_cookies()
    page.goto(f"{place.http}/console/account")
    button = page.get_by_role("button", name="Sign in with a passkey")
    button.wait_for()
    accessible(page)
    devtools.send("WebAuthn.setUserVerified", device | {"isUserVerified": False})
    button.click()
    expect(page.get_by_role("alert")).to_contain_text("The passkey request was cancelled")
    devtools.send("WebAuthn.setUserVerified", device | {"isUserVerified": True})
    button.click()
    menu.wait_for()

    # A copy of the authenticator whose counter is behind.
    (credential,) = devtools.send("WebAuthn.getCredentials", device)["credentials"]
    devtools.send("WebAuthn.clearCredentials", device)
    devtools.send("WebAuthn.addCredential", device | {"credential": credential | {"signCount": 1}})
    page.context.clear_cookies()
    page.goto(f"{place.http}/console/account")
    button.click()
    expect(page.get_by_role("alert")).to_contain_text("it seems that somebody has a copy of it")
    sign_in(page, place, name, password)
    page.get_by_role("button", name="Sign in as another user").click()

    # Where the console has another address than the server's public one, it says so.
    page.goto(f"{place.server.http}/console/")
    expect(page.get_by_text("Passkeys work only at")).to_be_visible()
    expect(page.get_by_role("link", name=place.http)).to_be_visible()
    accessible(page)
    pages.give_back(place, page)


def test_a_forgotten_password(pages: Pages, place: Place) -> None:
    admin = Person(place.server, place.account.thingpark_username, place.account.thingpark_password)
    made = admin.call("POST", "/api/v1/invitations", {"email": "bert@example.com", "role": "ro"})
    before = len(place.post.messages)
    token = place.link(before).partition("#")[2]
    assert made["mailed"]
    body = {"token": token, "username": "bert", "displayName": "Bert", "password": PASSWORD}
    assert httpx.post(f"{place.http}/api/v1/invitation/acceptance", json=body).status_code == 204
    page = pages.take(dark=True)
    page.goto(f"{place.http}/console/")
    page.get_by_role("link", name="Forgot your password?").click()
    page.get_by_label("User name or e-mail address").fill("bert@example.com")
    accessible(page)
    page.get_by_role("button", name="Send link").click()
    expect(page.get_by_role("status")).to_contain_text("If there is a user")
    link = place.link(before + 1)
    page.goto(link)
    expect(page.get_by_label("User name")).to_have_value("bert")
    accessible(page)
    page.locator("input[name=password]").fill("another password")
    page.get_by_role("button", name="Set password").click()
    expect(page.get_by_text("Your password was set")).to_be_visible()
    sign_in(page, place, "bert", "another password")
    expect(page.get_by_role("navigation", name="Menu")).to_be_visible()
    page.goto("about:blank")
    page.goto(link)
    expect(page.get_by_role("alert")).to_contain_text("has expired or was used already")
    accessible(page)
    pages.give_back(place, page)


def _at_provider(page: Page, subject: str) -> None:
    page.wait_for_url(re.compile(r"http://localhost:\d+/oauth2/authorize"))
    page.get_by_role("button", name=subject, exact=True).first.click()


def test_an_identity_provider(pages: Pages, place: Place) -> None:
    page = pages.take()
    page.goto(f"{place.http}/console/")
    page.get_by_role("link", name="Sign in with Town hall").click()
    _at_provider(page, "248")
    expect(page.get_by_role("navigation", name="Menu")).to_be_visible()
    page.goto(f"{place.http}/console/users")
    expect(page.get_by_role("row", name=re.compile("fien"))).to_contain_text("administrator")
    cookies: list[Any] = page.context.cookies()
    assert {c["name"]: c["sameSite"] for c in cookies if c["name"].startswith("veldnet")} == {
        "veldnet_session": "Strict"
    }
    page.context.clear_cookies()
    for subject, told in (("nobody", "gives you no role"), ("anna", "gives you no role")):
        page.goto(f"{place.http}/console/")
        page.get_by_role("link", name="Sign in with Town hall").click()
        _at_provider(page, subject)
        expect(page.get_by_role("heading", name="Signing in failed")).to_be_visible()
        expect(page.get_by_role("main")).to_contain_text(told)
        accessible(page)
        page.context.clear_cookies()
    page.goto(f"{place.http}/api/v1/signIn/hall/callback?code=x&state=y")
    expect(page.get_by_role("main")).to_contain_text("not begun in this browser")

    # Who has a password links the identity, and signs in with either.
    account = place.account
    sign_in(page, place, account.thingpark_username, account.thingpark_password)
    expect(page.get_by_role("navigation", name="Menu")).to_be_visible()
    page.goto(f"{place.http}/console/account")
    page.get_by_role("link", name="Link Town hall").click()
    _at_provider(page, "anna")
    expect(page.get_by_role("button", name="Unlink")).to_be_visible()
    page.context.clear_cookies()
    page.goto(f"{place.http}/console/")
    page.get_by_role("link", name="Sign in with Town hall").click()
    _at_provider(page, "anna")
    expect(page.get_by_role("button", name=re.compile("Sandbox User"))).to_be_visible()

    page.goto(f"{place.http}/console/users")
    _suspend(page, "fien")
    page.context.clear_cookies()
    page.goto(f"{place.http}/console/")
    page.get_by_role("link", name="Sign in with Town hall").click()
    _at_provider(page, "248")
    expect(page.get_by_role("main")).to_contain_text("Your account here is suspended")
    pages.give_back(place, page)
