"""Policies, optional inputs and what holds for plans, as they are written."""

import pytest

from loom.client import Client, LoomError, Task, tasks
from loom.client.policies import PlanRules, make_plan_rules, make_policy, merged


def test_policy_names_only_what_is_said() -> None:
    assert make_policy() == ()
    assert make_policy(retries=2, retry_on=["timed-out", "out-of-memory"], backoff=0.25) == (
        (0x08, 3),
        (0x10, 250),
        (0x18, 12),
    )
    assert merged(make_policy(retries=1), make_policy(retries=5, priority=-3)) == (
        (0x08, 2),
        (0x28, -3),
    )


@pytest.mark.parametrize(
    "wrong, text",
    [
        ({"retries": -1}, "retries must be from 0"),
        ({"retries": True}, "retries must be a whole number"),
        ({"retry_on": "worker-lost"}, "retry_on takes error, program-failed"),
        ({"backoff": -0.1}, "backoff must be from 0"),
        ({"priority": 1001}, "priority must be from -1000 to 1000"),
        ({"crash_limit": 0}, "crash_limit must be from 1"),
    ],
)
def test_wrong_policies_are_refused(wrong: dict, text: str) -> None:  # type: ignore[type-arg]
    with pytest.raises(LoomError, match=text):
        Task("loom/data/const").policy(**wrong)


def test_plan_rules() -> None:
    assert make_plan_rules() is None
    assert make_plan_rules(on_failure="keep-going") == PlanRules(True, 0, ())
    with pytest.raises(LoomError, match="on_failure is"):
        make_plan_rules(on_failure="stop")


def test_optional_inputs_are_plain_inputs_with_a_mark() -> None:
    first, second = tasks.const("1"), tasks.const("2")
    task = tasks.array_make([first, tasks.optional(second)])
    task.label = "some"
    assert task.inputs == (first, second)
    assert task._rules().optional == (1,)
    assert task.policy(retries=1)._rules().optional == (1,)
    assert task.label == "some"


def test_client_checks_its_defaults_before_it_connects() -> None:
    with pytest.raises(LoomError, match="on_failure is"):
        Client("localhost:1", defaults={"on_failure": "no"})
