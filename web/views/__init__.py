"""The areas of the portal, one file each."""

from web.views.account import area as account
from web.views.credentials import area as credentials
from web.views.dashboard import area as dashboard
from web.views.door import area as door
from web.views.engine import area as engine
from web.views.events import area as events
from web.views.hosts import area as hosts
from web.views.images import area as images
from web.views.jobs import area as jobs
from web.views.keys import area as keys
from web.views.machine_actions import area as machine_actions
from web.views.machine_console import area as machine_console
from web.views.machines import area as machines
from web.views.networks import area as networks
from web.views.provider_parts import area as provider_parts
from web.views.providers import area as providers
from web.views.search import area as search
from web.views.templates import area as templates
from web.views.tenants import area as tenants
from web.views.users import area as users
from web.views.volumes import area as volumes

AREAS = (
    door,
    dashboard,
    search,
    machines,
    machine_actions,
    machine_console,
    volumes,
    images,
    networks,
    templates,
    credentials,
    keys,
    jobs,
    events,
    account,
    providers,
    provider_parts,
    hosts,
    tenants,
    users,
    engine,
)
