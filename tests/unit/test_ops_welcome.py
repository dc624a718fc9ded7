"""What a person reads once everything runs, at the first start and later."""

import json

import pytest

from sirocco.cmdb.models import Address, Machine
from sirocco.contracts.states import MachineState, Role
from sirocco.domain.principal import SYSTEM
from sirocco.ops import welcome
from sirocco.ops.first_machine import FirstMachine
from sirocco.ops.password import FIRST_PASSWORD, PASSWORD_HERE
from sirocco.ops.settings import load, prepare_home
from sirocco.ops.status import FIRST_MACHINE, first_machine
from sirocco.services import machines, users
from tests.world import a_cmdb, populate

GENERATED = "generated at first"


@pytest.fixture
def home(tmp_path):
    made = load(home=tmp_path / "home", provider="fake", port=8123)
    prepare_home(made)
    (made.secrets / FIRST_PASSWORD).write_text(GENERATED)
    return made


@pytest.fixture
def world(home):
    with a_cmdb(home.database, home.home) as cmdb:
        made = populate(cmdb)
        with made.writing(SYSTEM) as tx:
            users.create(tx, "admin", GENERATED, roles={made.tenant_id: Role.TENANT_ADMIN}, operator=True)
        with made.writing() as tx:
            made.first_id = machines.create(tx, made.machine(name="first"))[0].id
        set_state(made, MachineState.STARTED)
        (home.home / FIRST_MACHINE).write_text(json.dumps(FirstMachine("first", uri(made), "10.9.9.9").as_data()))
        yield made


def uri(world):
    return f"http://127.0.0.1:8123/cimi/machines/{world.first_id}"


def set_state(world, state):
    with world.writing(SYSTEM) as tx:
        tx.session.get_one(Machine, world.first_id).state = state


def again(world, home):
    with world.reading(SYSTEM) as tx:
        return welcome.again(tx, home)


def test_a_later_start_says_what_is_there_and_where_the_password_lies(world, home):
    told = again(world, home)
    assert "  Portal     http://127.0.0.1:8123\n  User       admin\n" in told
    assert f"  Password   kept in {home.secrets / FIRST_PASSWORD}; delete the file when you know it\n" in told
    assert GENERATED not in told
    assert "  Machine    first, started, no address reported\n" in told
    assert "Next to try:\n  1. Open the portal" in told


def test_the_address_is_the_one_that_the_machine_has_now(world, home):
    with world.writing(SYSTEM) as tx:
        where = {"tenant_id": world.tenant_id, "network_id": world.network_id, "machine_id": world.first_id}
        tx.add(Address(ip="10.96.0.7", **where))
    assert "Machine    first, started, 10.96.0.7\n" in again(world, home)
    assert first_machine(home)["address"] == "10.96.0.7"


@pytest.mark.parametrize("state", [MachineState.STOPPED, MachineState.PAUSED, MachineState.SUSPENDED])
def test_a_machine_at_rest_is_to_be_started(world, home, state):
    set_state(world, state)
    told = again(world, home)
    assert f"Machine    first, {state.value.lower()}, " in told
    assert "  1. .venv/bin/sirocco machine start first\n" in told


def test_a_deleted_machine_is_not_spoken_of_again(world, home):
    with world.writing(SYSTEM) as tx:
        tx.session.delete(tx.session.get_one(Machine, world.first_id))
    assert "Machine" not in again(world, home)
    assert first_machine(home) == {}
    assert (home.home / FIRST_MACHINE).exists()


@pytest.mark.parametrize("kept", [GENERATED, ""])
def test_a_password_of_ones_own_is_not_said_to_lie_in_the_file(world, home, kept):
    (home.secrets / FIRST_PASSWORD).write_text(kept)
    with world.writing(SYSTEM) as tx:
        users.set_password(tx, admin(tx).id, "one of my own")
    assert "  Password   as you set it; a new one: .venv/bin/siroccod password admin\n" in again(world, home)


def test_without_that_user_nothing_is_said_of_a_password(world, home):
    with world.writing(SYSTEM) as tx:
        tx.session.delete(admin(tx))
    told = again(world, home)
    assert "Password" not in told
    assert "User" not in told


def test_a_broken_file_of_the_first_machine_stops_nothing(world, home):
    (home.home / FIRST_MACHINE).write_text("{broken")
    assert "Portal     http://127.0.0.1:8123\n" in again(world, home)


def test_at_first_the_password_is_shown_once(world, home):
    with world.reading(SYSTEM) as tx:
        told = welcome.first(tx, home, FirstMachine("first", uri(world), "10.96.0.5"))
    assert told.count(PASSWORD_HERE) == 1
    assert "  Machine    first, 10.96.0.5\n" in told
    assert "Three things to try:" in told


def admin(tx):
    return next(user for user in users.page(tx).items if user.name == "admin")
