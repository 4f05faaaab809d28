"""Token buckets under a clock that the test moves."""

from __future__ import annotations

from veldnet.api.rate_limit import RateLimiter


def allowed(limiter: RateLimiter, account: str, now: float) -> bool:
    quota = limiter.take(account, now)
    assert quota is not None
    return quota.allowed


def test_a_burst_and_what_comes_back_with_time() -> None:
    limiter = RateLimiter(2, burst=3)
    assert [allowed(limiter, "a", 100.0) for _ in range(4)] == [True, True, True, False]
    assert not allowed(limiter, "a", 100.4), "half a second makes one"
    assert allowed(limiter, "a", 100.5) and not allowed(limiter, "a", 100.5)
    assert [allowed(limiter, "a", 1000.0) for _ in range(4)] == [True, True, True, False], (
        "no more than a burst"
    )


def test_accounts_are_independent() -> None:
    limiter = RateLimiter(1)
    assert allowed(limiter, "a", 5.0) and not allowed(limiter, "a", 5.0)
    assert allowed(limiter, "b", 5.0)


def test_what_is_given_back_can_be_taken_again() -> None:
    limiter = RateLimiter(1 / 60, burst=1)
    assert allowed(limiter, "a", 0.0)
    limiter.give_back("a")
    limiter.give_back("a")
    limiter.give_back("nobody")
    assert allowed(limiter, "a", 0.0) and not allowed(limiter, "a", 0.0)


def test_a_rate_of_zero_is_no_limit() -> None:
    assert RateLimiter(0).take("a") is None


def test_headers_tell_the_quota() -> None:
    quota = RateLimiter(4).take("a", 0.0)
    assert quota is not None
    assert (quota.headers["quota-limit"], quota.headers["quota-used"]) == ("4", "1")
