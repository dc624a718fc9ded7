"""The product in parts, as docker-compose.yml runs it: each is lost once under load, and the engine's store too."""

import pytest

from sirocco.services import machines
from tests.faults.load import clients_at_work, progress, restart
from tests.installation import an_installation

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]


def test_one_of_each_part_is_lost_under_load(tmp_path, postgres):
    """PostgreSQL, the engine on its own, two web processes, two workers, a solver."""
    database = postgres.create_database()
    with an_installation(tmp_path, database, webs=2, workers=2) as plant, clients_at_work(plant, plant.populate()):
        for part in ("web-2", "worker-2"):
            plant.kill(part)
            progress(plant, f"the other one goes on without {part}")
        for part in ("engine", "solver"):
            restart(plant, part)
            progress(plant, f"work goes on after {part}")
        postgres.kill()
        postgres.start()
        progress(plant, "work goes on after the database")


def test_the_engines_store_is_deleted_in_mid_flight(tmp_path):
    with an_installation(tmp_path, webs=1, workers=1) as plant, clients_at_work(plant, plant.populate()):
        for _ in range(2):
            plant.kill("engine")
            plant.forget_engine()
            plant.start_engine()
            progress(plant, "jobs that the engine has forgotten are started again")


def test_nothing_runs_while_the_manager_is_down_and_nothing_is_forgotten(tmp_path):
    """Workers and engine away: requests are accepted, queued and carried out later."""
    with an_installation(tmp_path, webs=1, workers=1) as plant:
        world = plant.populate()
        plant.kill("worker-1")
        plant.kill("engine")
        with world.writing() as tx:
            jobs = [machines.create(tx, world.machine(name=f"m{number}"))[1].id for number in range(5)]
        plant.start_engine()
        plant.start_worker()
        assert {plant.settle(job).state for job in jobs} == {"SUCCESS"}
        assert plant.web_answers()
