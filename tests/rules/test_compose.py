"""docker-compose.yml and the Dockerfile, validated as far as can be without an engine."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
OURS = ("migrate", "web", "worker", "timetable", "timetable-2")


def test_all_parts_are_there() -> None:
    assert set(COMPOSE["services"]) == {"db", "redis", "mail", *OURS}


def test_each_process_connects_as_its_own_role() -> None:
    roles = {name: COMPOSE["services"][name]["environment"]["LERNBEGLEITUNG_DB_ROLE"] for name in OURS}
    assert roles == {
        "migrate": "lern_owner",
        "web": "lern_app",
        "worker": "lern_worker",
        "timetable": "lern_worker",
        "timetable-2": "lern_worker",
    }


def test_secrets_come_from_files_and_each_is_declared() -> None:
    declared = set(COMPOSE["secrets"])
    for name in OURS:
        service = COMPOSE["services"][name]
        assert set(service["secrets"]) <= declared
        for key, value in service["environment"].items():
            if key.endswith("_FILE"):
                assert Path(value).name in service["secrets"]
            assert not any(word in key for word in ("PASSWORD", "SECRET", "KEY")) or key.endswith("_FILE")


def test_every_file_the_arrangement_names_is_in_the_repository() -> None:
    assert (ROOT / COMPOSE["services"]["web"]["build"]["dockerfile"]).exists()
    for volume in COMPOSE["services"]["db"]["volumes"]:
        if volume.startswith("./"):
            assert (ROOT / volume.split(":")[0]).exists()


def test_the_image_runs_without_root_and_installs_with_hashes() -> None:
    lines = (ROOT / "ops" / "Dockerfile").read_text().splitlines()
    assert "USER 10001" in lines
    assert any("--require-hashes" in line for line in lines)
    copied = [line.split()[1] for line in lines if line.startswith("COPY ") and "--from" not in line]
    assert [name for name in copied if name != "." and not (ROOT / name).exists()] == []


def test_hadolint_finds_nothing() -> None:
    linter = Path(sys.executable).parent / "hadolint"
    if not linter.exists():
        pytest.skip("hadolint comes as a wheel for Linux on x86-64 only")
    done = subprocess.run([linter, str(ROOT / "ops" / "Dockerfile")], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
