"""Every list proves that it asks the database as often for three rows as for one."""

from pathlib import Path

TESTS = Path(__file__).parents[1]
LISTS = {
    "accounts:people", "accounts:invitations", "accounts:agencies", "engagements:index", "engagements:steps",
    "engagements:journal", "engagements:assignment", "engagements:assign_all", "engagements:assignment_draft", "engagements:pool", "engagements:directory",
    "conversations:today", "conversations:index", "conversations:engagement", "conversations:desk", "engagements:insights", "engagements:goals", "accounts:security",
    "conversations:questions", "conversations:own_questions", "conversations:method", "conversations:prepare",
    "conversations:offered_times", "conversations:book",
    "accounts:video_services", "engagements:programmes", "accounts:imports", "accounts:import",
}  # fmt: skip


def test_each_list_is_measured_with_one_and_three_rows() -> None:
    measured: set[str] = set()
    for file in TESTS.glob("test_*.py"):
        for body in file.read_text().split("\n\n\n"):
            if "assert_same_queries" in body:
                measured |= {name for name in LISTS if f'"{name}"' in body}
    assert LISTS - measured == set()
