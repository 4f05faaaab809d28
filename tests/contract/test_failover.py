"""Several modules behind one vault, each in a process of its own: load sharing, failover
and recovery."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from tests.contract.vaults import APP_KEY, DEV_EUI, order, software
from veldnet.assembly.vaults.process import starter
from veldnet.domain.joins import JoinKeys, JoinRefusal
from veldnet.keys import FailoverVault, SoftwareVault, VaultError, Vaults
from veldnet.keys.process import RemoteVault


@pytest_asyncio.fixture
async def members(tmp_path: Path) -> AsyncIterator[list[RemoteVault]]:
    """Two modules that hold the same master key."""
    opening = software(tmp_path / "master.key")
    opened = [RemoteVault(starter(opening), name=f"m{n}", hold=False, silence=1.5) for n in range(2)]
    for member in opened:
        await member.begin()
        assert await member.settled()
    yield opened
    await asyncio.gather(*(member.close() for member in opened))


async def until(what: Callable[[], bool], seconds: float = 15) -> None:
    async with asyncio.timeout(seconds):
        while not what():
            await asyncio.sleep(0.02)


async def test_modules_share_the_work(members: list[RemoteVault]) -> None:
    asked = [0, 0]

    class Counting:
        def __init__(self, index: int) -> None:
            self.index = index

        def __getattr__(self, name: str) -> object:
            return getattr(members[self.index], name)

        def join(self, orders: list[object]) -> Awaitable[object]:
            asked[self.index] += len(orders)
            return members[self.index].join(orders)  # type: ignore[arg-type]

    vault = FailoverVault([Counting(0), Counting(1)])  # type: ignore[list-item]
    sealed = await vault.import_app_key(DEV_EUI, APP_KEY)
    answers = await vault.join([order(sealed, protected=False)] * 40)
    assert all(isinstance(answer, JoinKeys) for answer in answers)
    assert asked == [20, 20]


async def test_a_module_that_dies_is_stood_in_for_and_comes_back(members: list[RemoteVault]) -> None:
    vault = FailoverVault(members)
    sealed = await vault.import_app_key(DEV_EUI, APP_KEY)
    answers: list[JoinKeys | JoinRefusal] = []

    async def join_on_and_on() -> None:
        for _ in range(80):
            answers.extend(await vault.join([order(sealed, protected=False)] * 20))

    tasks = [asyncio.create_task(join_on_and_on()) for _ in range(3)]
    await until(lambda: bool(answers))
    for victim in (members[0], members[1], members[0]):
        assert victim.pid is not None
        os.kill(victim.pid, signal.SIGKILL)
        await until(lambda v=victim: v.problem is not None)  # type: ignore[misc]
        assert vault.problem is None, "the other one works"
        assert [health.problem is None for health in vault.health].count(False) == 1
        await until(lambda v=victim: v.problem is None)  # type: ignore[misc]
    await asyncio.gather(*tasks)
    assert len(answers) == 3 * 80 * 20 and all(isinstance(answer, JoinKeys) for answer in answers)


async def test_a_module_that_hangs_is_given_up_and_restarted(members: list[RemoteVault]) -> None:
    vault = FailoverVault(members)
    sealed = await vault.import_app_key(DEV_EUI, APP_KEY)
    hanging = members[0].pid
    assert hanging is not None
    os.kill(hanging, signal.SIGSTOP)
    # Both are asked in turn; whoever meets the one that hangs is served by the other.
    for _ in range(4):
        (answer,) = await vault.join([order(sealed, protected=False)])
        assert isinstance(answer, JoinKeys)
    await until(lambda: members[0].problem is None and members[0].pid != hanging)
    assert members[0].restarts == 1


async def test_when_all_are_gone_calls_wait_for_the_first_to_come_back(members: list[RemoteVault]) -> None:
    vault = FailoverVault(members)
    sealed = await vault.import_app_key(DEV_EUI, APP_KEY)
    for member in members:
        assert member.pid is not None
        os.kill(member.pid, signal.SIGKILL)
    await until(lambda: vault.problem is not None)
    assert "m0" in str(vault.problem) and "m1" in str(vault.problem)
    (answer,) = await vault.join([order(sealed, protected=False)])
    assert isinstance(answer, JoinKeys) and vault.problem is None


async def test_calls_fail_after_the_timeout(tmp_path: Path) -> None:
    missing = software(tmp_path / "nowhere" / "master.key", create=False)
    member = RemoteVault(starter(missing), name="gone", hold=False)
    await member.begin()
    assert not await member.settled()
    vault = FailoverVault([member], timeout=0.3)
    with pytest.raises(VaultError, match="cannot read the master key"):
        await vault.seal("a", b"x")
    await vault.close()


async def test_what_is_wrong_with_the_call_is_not_asked_of_others(members: list[RemoteVault]) -> None:
    vault = FailoverVault(members)
    with pytest.raises(VaultError) as caught:
        await vault.generate_as_key("no key")
    assert caught.value.code == "bad_pem"
    (refusal,) = await vault.join([order(b"garbage")])
    assert isinstance(refusal, JoinRefusal) and refusal.code == "bad_seal"
    assert all(member.restarts == 0 for member in members)


async def test_a_process_with_another_master_key_is_not_used(tmp_path: Path) -> None:
    sealed = await SoftwareVault(bytes(32)).seal("check", b"x")

    async def prove(vault: RemoteVault) -> None:
        await vault.prove("check", sealed)

    with pytest.raises(VaultError) as caught:
        await RemoteVault.open(starter(software(tmp_path / "other.key")), proof=prove)
    assert caught.value.code == "bad_seal"


async def test_joins_go_to_the_vault_that_their_order_names() -> None:
    default, other = SoftwareVault(bytes(32)), SoftwareVault(bytes(range(32)))
    vaults = Vaults(default, {"other": other})
    here, there = (
        await default.import_app_key(DEV_EUI, APP_KEY),
        await other.import_app_key(DEV_EUI, APP_KEY),
    )
    orders = [
        order(here, protected=False),
        order(there, protected=False, vault="other"),
        order(there, protected=False),
        order(there, protected=False, vault="nowhere"),
        order(here, protected=False),
    ]
    codes = [a.code if isinstance(a, JoinRefusal) else "ok" for a in await vaults.join(orders)]
    assert codes == ["ok", "ok", "bad_seal", "unknown_vault", "ok"]


async def test_a_master_key_that_one_module_lacks_is_found_in_the_other() -> None:
    """As after a rotation that one of them has missed, or before a backup is restored in a new one."""
    old, both = SoftwareVault({1: bytes(32)}), SoftwareVault({1: bytes(32), 2: b"2" * 32})
    vault = FailoverVault([old, both])
    newer, older = await both.import_app_key(DEV_EUI, APP_KEY), await old.import_app_key(DEV_EUI, APP_KEY)
    nobody = await SoftwareVault({3: bytes(32)}).import_app_key(DEV_EUI, APP_KEY)
    orders = [order(sealed, protected=False) for sealed in (newer, older, nobody) * 10]
    for _ in range(2):
        answers = await vault.join(orders)
        codes = [answer.code if isinstance(answer, JoinRefusal) else "ok" for answer in answers]
        assert codes == ["ok", "ok", "no_master_key"] * 10
    secret = await both.seal("a", b"x")
    assert [await vault.unseal("a", secret) for _ in range(2)] == [b"x", b"x"]
