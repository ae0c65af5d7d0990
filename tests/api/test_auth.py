"""Who reaches what, as a property of principals: nobody reaches what is not theirs, whatever else they hold."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.auth import (
    ADMIN_SCOPES,
    ANONYMOUS,
    LOCKED_SCOPES,
    NOWHERE,
    ORGANISATION_SCOPES,
    PERSON_SCOPES,
    RANKS,
    ROOM_SCOPES,
    WORKSPACE_SCOPES,
    Principal,
    Rank,
    Role,
    Scope,
    Target,
    authorize,
    demanded,
)
from shared.errors import Code, Fault

WORKSPACES = ("w1", "w2", "w3")
ORGANISATIONS = ("o1", "o2")
OWNERS = st.sampled_from([None, *ORGANISATIONS])
TARGETS = st.builds(Target, st.sampled_from([None, *WORKSPACES]), OWNERS)
SCOPES = st.sampled_from(Scope)
PRINCIPALS = st.one_of(
    st.builds(Principal, role=st.just(Role.WORKSPACE), scopes=st.just(WORKSPACE_SCOPES), workspace=st.sampled_from(WORKSPACES)),
    st.builds(
        Principal,
        role=st.just(Role.ORGANISATION),
        scopes=st.just(ORGANISATION_SCOPES),
        organisation=st.sampled_from(ORGANISATIONS),
        workspaces=st.none() | st.frozensets(st.sampled_from(WORKSPACES)),
    ),
    st.builds(
        Principal,
        role=st.just(Role.PERSON),
        scopes=st.just(PERSON_SCOPES),
        person=st.just("u1"),
        ranks=st.dictionaries(st.sampled_from(ORGANISATIONS), st.sampled_from(Rank)),
    ),
    st.builds(Principal, role=st.just(Role.ADMIN), scopes=st.just(ADMIN_SCOPES)),
)


def refusal(principal: Principal, scope: Scope, target: Target = NOWHERE) -> Fault | None:
    try:
        authorize(principal, scope, target)
    except Fault as fault:
        return fault
    return None


def reaches(principal: Principal, target: Target) -> bool:
    """The same in other words."""
    match principal.role:
        case Role.ADMIN:
            return True
        case Role.WORKSPACE:
            return target == NOWHERE or target.workspace == principal.workspace
        case Role.PERSON:
            return target == NOWHERE or target.organisation in principal.ranks
        case _:
            mine = target.organisation == principal.organisation
            inside = target.workspace is None or principal.workspaces is None or target.workspace in principal.workspaces
            return target == NOWHERE or (mine and inside)


@given(PRINCIPALS, SCOPES, TARGETS)
def test_what_is_not_reached_is_not_found_and_never_forbidden(principal: Principal, scope: Scope, target: Target) -> None:
    fault = refusal(principal, scope, target)
    if scope is Scope.PUBLIC or reaches(principal, target):
        assert fault is None or fault.code is Code.FORBIDDEN
    else:
        assert fault is not None
        assert fault.code is Code.NOT_FOUND


@given(PRINCIPALS, TARGETS, TARGETS)
def test_what_is_said_of_what_is_not_reached_tells_nothing(principal: Principal, one: Target, other: Target) -> None:
    told = [refusal(principal, Scope.WORKSPACES_READ, target) for target in (one, other)]
    words = {fault.message for fault in told if fault is not None and fault.code is Code.NOT_FOUND}
    assert words <= {"there is no such workspace", "there is no such organisation"}


@given(PRINCIPALS, TARGETS)
def test_nobody_has_more_than_their_kind_can(principal: Principal, target: Target) -> None:
    most = {
        Role.ADMIN: ADMIN_SCOPES,
        Role.WORKSPACE: WORKSPACE_SCOPES,
        Role.ORGANISATION: ORGANISATION_SCOPES,
        Role.PERSON: RANKS[Rank.OWNER] | PERSON_SCOPES,
    }
    assert (principal.scopes_for(target) or frozenset()) <= most[principal.role]


@given(PRINCIPALS, TARGETS, SCOPES)
def test_to_take_a_scope_away_never_gives_one(principal: Principal, target: Target, scope: Scope) -> None:
    less = replace(principal, scopes=principal.scopes - {scope})
    assert (less.scopes_for(target) or frozenset()) <= (principal.scopes_for(target) or frozenset())


@given(SCOPES, TARGETS)
def test_without_a_credential_there_is_nothing_but_the_public(scope: Scope, target: Target) -> None:
    fault = refusal(ANONYMOUS, scope, target)
    assert (fault is None) == (scope is Scope.PUBLIC)
    assert fault is None or fault.code is Code.UNAUTHORIZED


@pytest.mark.parametrize("role", [Role.WORKSPACE, Role.ORGANISATION, Role.PERSON])
@given(target=TARGETS)
def test_a_credential_that_names_nobody_reaches_nothing(role: Role, target: Target) -> None:
    """An empty claim must not match all."""
    nobody = Principal(role=role, scopes=frozenset(Scope))
    if target != NOWHERE:
        assert nobody.scopes_for(target) is None


def test_each_rank_may_do_what_those_before_it_may() -> None:
    ranks = [RANKS[rank] for rank in Rank]
    assert all(less < more for less, more in pairwise(ranks))


def test_a_key_that_is_bound_does_nothing_to_its_organisation() -> None:
    bound = Principal(role=Role.ORGANISATION, scopes=ORGANISATION_SCOPES, organisation="o1", workspaces=frozenset({"w1"}))
    own = frozenset({Scope.SELF, Scope.EVENTS_READ, Scope.WORKSPACES_READ, Scope.ORGANISATIONS_READ})
    assert own == bound.scopes_for(Target(organisation="o1")) == bound.scopes_for(NOWHERE)
    assert ORGANISATION_SCOPES == bound.scopes_for(Target("w1", "o1"))
    assert bound.scopes_for(Target("w1", "o2")) is None, "it has passed to another organisation"


def test_an_admin_stays_outside() -> None:
    assert not ADMIN_SCOPES & ROOM_SCOPES
    admin = Principal(role=Role.ADMIN, scopes=ADMIN_SCOPES)
    fault = refusal(admin, Scope.FILES_READ, Target("w1"))
    assert fault is not None
    assert fault.code is Code.FORBIDDEN


def test_of_a_locked_workspace_nothing_inside_is_reached() -> None:
    assert not LOCKED_SCOPES & ROOM_SCOPES
    assert Scope.EVENTS_READ not in LOCKED_SCOPES


def test_only_creation_is_opened_where_anyone_may_create() -> None:
    opened = {scope for scope in Scope if demanded(scope, open_creation=True) is Scope.PUBLIC}
    assert {Scope.PUBLIC, Scope.WORKSPACES_CREATE} == opened
    assert all(demanded(scope, open_creation=False) is scope for scope in Scope)
