"""Of a flood a bounded number gets through, and nothing is uncounted."""

from hypothesis import given
from hypothesis import strategies as st

from shared.audit.floods import MIXED, Dam, merged
from shared.hostwire import COUNT_MAX, AuditEvent, Origin

A, B = "w" + "a" * 24, "w" + "b" * 24


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def failed(address: str = "", action: str = "login") -> AuditEvent:
    return AuditEvent(action, "unauthorized", Origin("anonymous", "", address))


def done(workspace: str | None = A, action: str = "push", actor: str = "u1") -> AuditEvent:
    return AuditEvent(action, "ok", Origin(actor), workspace)


def test_so_many_refusals_of_a_kind_get_through_and_then_one_a_second() -> None:
    clock = Clock()
    dam = Dam(clock)
    assert [True] * 60 + [False] * 40 == [dam.admit("api", failed()) for _ in range(100)]
    assert dam.admit("api", failed(action="redeem"))
    assert dam.admit("4711", failed())
    clock.now += 3.5
    assert [True] * 3 + [False] * 7 == [dam.admit("api", failed()) for _ in range(10)]
    clock.now += 3600
    assert 60 == sum(dam.admit("api", failed()) for _ in range(100))


def test_so_many_of_a_tenants_own_get_through_whatever_they_are() -> None:
    dam = Dam(Clock())
    assert 600 == sum(dam.admit("api", done(action=f"a{number % 7}")) for number in range(1000))
    assert dam.admit("api", done(B))
    assert dam.admit("api", done(None))
    assert 7 == len(dam.take())


def test_what_was_held_is_told_once_with_its_number_and_what_it_agrees_on() -> None:
    dam = Dam(Clock())
    for number in range(100):
        dam.admit("api", failed(f"10.0.0.{number % 2}"))
        dam.admit("4711", AuditEvent("verify_secret", "unauthorized", Origin(), A))
    first, second = sorted(dam.take(), key=lambda held: held[0])
    assert ("4711", AuditEvent("verify_secret", "unauthorized", Origin(), A, count=40)) == first
    assert ("api", AuditEvent("login", "unauthorized", Origin("anonymous"), count=40)) == second
    assert [] == dam.take()


def test_ever_new_kinds_take_bounded_memory_and_are_counted_too() -> None:
    """As from an api that was taken over."""
    clock = Clock()
    dam = Dam(clock)
    admitted = sum(dam.admit("api", done(f"w{number:024x}", action=f"a{number}")) for number in range(20_000))
    assert 2048 + 60 == admitted
    held = dam.take()
    assert len(held) <= 513
    assert 20_000 == admitted + sum(event.count for _, event in held)
    assert (MIXED, None) == next((e.action, e.workspace) for _, e in held if e.count > 1)
    clock.now += 61  # the quiet ones are forgotten
    assert dam.admit("api", done("w" + "f" * 24))
    assert 1 == len(dam._buckets)


def test_one_source_gets_so_many_through_whoever_they_are_about() -> None:
    """An api that was taken over names ever other workspaces, and yet neither rolls the log over nor hides what root does."""
    clock = Clock()
    dam = Dam(clock)
    assert 20_000 == sum(dam.admit("api", done(f"w{number % 2000:024x}")) for number in range(30_000))
    assert dam.admit("0", done(A))
    clock.now += 10
    assert 500 == sum(dam.admit("api", done(f"w{number % 2000:024x}")) for number in range(1000))
    assert 10_500 == sum(event.count for _, event in dam.take())


def test_a_count_stays_one_that_every_message_holds() -> None:
    """Else a page with such a record could not be sent to anybody."""
    most = AuditEvent("login", "unauthorized", Origin(), count=COUNT_MAX)
    assert COUNT_MAX == merged(most, most).count


EVENTS = st.builds(
    AuditEvent,
    st.sampled_from(["login", "push"]),
    st.sampled_from(["ok", "unauthorized", "forbidden"]),
    st.builds(Origin, st.sampled_from(["", "anonymous", "u1", "u2"])),
    st.sampled_from([None, A, B]),
    count=st.integers(1, 5),
)


@given(events=st.lists(st.tuples(EVENTS, st.integers(1, 100), st.floats(0, 10)), max_size=30))
def test_no_event_is_uncounted(events: list[tuple[AuditEvent, int, float]]) -> None:
    clock = Clock()
    dam = Dam(clock)
    sent = told = 0
    for event, times, pause in events:
        for _ in range(times):
            sent += event.count
            told += event.count if dam.admit("api", event) else 0
        clock.now += pause
    assert sent == told + sum(event.count for _, event in dam.take())


@given(one=EVENTS, other=EVENTS)
def test_a_record_of_two_says_nothing_that_is_true_of_one_alone(one: AuditEvent, other: AuditEvent) -> None:
    both = merged(one, other)
    assert one.count + other.count == both.count
    for name, none in (("action", MIXED), ("outcome", MIXED), ("workspace", None)):
        agreed = getattr(one, name) == getattr(other, name)
        assert getattr(both, name) == (getattr(one, name) if agreed else none)
    assert both.origin.actor == (one.origin.actor if one.origin == other.origin else "")
