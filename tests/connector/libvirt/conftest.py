"""A private hypervisor with two hosts, and a small image, for all tests of this folder."""

import pytest

from sirocco.hypervisor import local, requirements
from sirocco.images import build


@pytest.fixture(scope="session")
def hypervisor(tmp_path_factory):
    lacks = requirements.missing()
    if lacks:
        pytest.skip("real guests need " + "; ".join(f"{lack.what} ({lack.remedy})" for lack in lacks))
    root = tmp_path_factory.mktemp("hv")
    yield local.start(root, hosts=2)
    local.stop(root)


@pytest.fixture(scope="session")
def tiny(request):
    lacks = build.missing_packages()
    if lacks:
        pytest.skip(f"the image factory needs packages: {' '.join(lacks)}")
    return build.build_tiny(request.config.cache.mkdir("sirocco-images"))
