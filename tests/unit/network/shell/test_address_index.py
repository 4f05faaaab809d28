"""It is known whether the store may have more sessions on an address."""

from __future__ import annotations

from veldnet.network.shell.address_index import AddressIndex


def test_an_address_is_asked_for_until_all_of_it_is_known() -> None:
    index = AddressIndex()
    assert index.all_refs(5) is None
    index.add(1, [5])
    assert index.all_refs(5) is None and index.refs(5) == (1,)
    index.complete(5)
    assert index.all_refs(5) == (1,)
    index.add(2, [5])
    assert index.all_refs(5) == (1, 2)
    index.ask_again([5])
    assert index.all_refs(5) is None and index.refs(5) == (1, 2)


def test_an_address_without_a_session_is_not_asked_for_again() -> None:
    index = AddressIndex()
    index.complete(5)
    assert index.all_refs(5) == ()
    index.add(1, [5])
    assert index.all_refs(5) == (1,), "the first session on it"
    index.remove(1, [5])
    assert index.all_refs(5) == ()
    index.ask_again([5])
    assert index.all_refs(5) is None


def test_the_last_session_in_memory_says_nothing_of_those_in_the_store() -> None:
    index = AddressIndex()
    index.add(1, [5])
    index.remove(1, [5])
    assert index.all_refs(5) is None and index.refs(5) == ()
    index.remove(1, [5])
    assert index.all_refs(5) is None


def test_others_stay_on_an_address_that_a_device_leaves() -> None:
    index = AddressIndex()
    for ref in (1, 2, 3):
        index.add(ref, [5, 6])
    index.complete(5)
    index.remove(2, [5])
    assert index.all_refs(5) == (1, 3) and index.all_refs(6) is None
    index.remove(1, [5])
    assert index.all_refs(5) == (3,)


def test_vacant_addresses_are_bounded_and_go_with_their_partition() -> None:
    index = AddressIndex()
    for dev_addr in range(200):
        index.complete(dev_addr)
    index.trim(100)
    assert [index.all_refs(each) for each in (99, 100)] == [None, ()]
    index.forget_vacant(frozenset([101 & 63]))
    assert [index.all_refs(each) for each in (100, 101, 165)] == [(), None, None]
    index.clear()
    assert index.all_refs(100) is None
