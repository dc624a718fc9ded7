"""The tables, one file per aggregate."""

from sirocco.cmdb.models.base import Base, Record
from sirocco.cmdb.models.credential import Credential
from sirocco.cmdb.models.event import Event, KeptRequest, Leadership
from sirocco.cmdb.models.identity import ApiKey, Membership, Tenant, Ticket, User, WebSession
from sirocco.cmdb.models.image import Image, ProviderImage, VolumeImage
from sirocco.cmdb.models.job import Intent, Job, JobStep
from sirocco.cmdb.models.machine import Disk, Machine, MachineVolume, Nic, NicAddress, UsageSample
from sirocco.cmdb.models.network import Address, Network, NetworkPort
from sirocco.cmdb.models.provider import Account, Claim, Host, Location, Provider
from sirocco.cmdb.models.quota import Quota
from sirocco.cmdb.models.template import Template
from sirocco.cmdb.models.volume import Volume

__all__ = [
    "Account",
    "Address",
    "ApiKey",
    "Base",
    "Claim",
    "Credential",
    "Disk",
    "Event",
    "Host",
    "Image",
    "Intent",
    "Job",
    "JobStep",
    "KeptRequest",
    "Leadership",
    "Location",
    "Machine",
    "MachineVolume",
    "Membership",
    "Network",
    "NetworkPort",
    "Nic",
    "NicAddress",
    "Provider",
    "ProviderImage",
    "Quota",
    "Record",
    "Template",
    "Tenant",
    "Ticket",
    "UsageSample",
    "User",
    "Volume",
    "VolumeImage",
    "WebSession",
]
