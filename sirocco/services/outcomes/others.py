"""How jobs on volumes, images, networks and hosts end."""

from sqlalchemy import select

from sirocco.cmdb import capacity
from sirocco.cmdb.models import Host, Image, Job, Machine, MachineVolume, Network, ProviderImage, Volume, VolumeImage
from sirocco.cmdb.transaction import Transaction
from sirocco.contracts.errors import CANCELLED
from sirocco.contracts.states import HostState, ImageState, NetworkState, VolumeState
from sirocco.services import events, faults, image_quota
from sirocco.services.outcomes.held import held_one


def volume_created(tx: Transaction, job: Job) -> None:
    """The volume can be used."""
    if volume := held_one(tx, job, Volume):
        events.set_state(tx, volume, VolumeState.AVAILABLE, job_id=job.id)


def volume_not_created(tx: Transaction, job: Job) -> None:
    """A stopped creation leaves nothing; a failed one leaves a volume in ERROR that says why."""
    volume = held_one(tx, job, Volume)
    if volume is None:
        return
    if job.error == CANCELLED.code:
        _forget_volume(tx, volume, job)
        return
    capacity.release(tx, volume.id)
    volume.host_id = None
    faults.blame(volume, job)
    events.set_state(tx, volume, VolumeState.ERROR, job_id=job.id)


def volume_grown(tx: Transaction, job: Job) -> None:
    """The volume has its new capacity."""
    if volume := held_one(tx, job, Volume):
        volume.capacity = job.arguments["capacity"]
        events.changed(tx, volume, "update", job_id=job.id)


def volume_not_grown(tx: Transaction, job: Job) -> None:
    """The volume keeps its capacity."""
    if volume := held_one(tx, job, Volume):
        capacity.give_back(tx, volume.tenant_id, {"capacity": job.arguments["capacity"] - volume.capacity})
        if volume.host_id:
            capacity.resize_claim(tx, volume.host_id, volume.id, capacity.Amount(disk=volume.capacity))


def volume_deleted(tx: Transaction, job: Job) -> None:
    """Nothing of the volume is left."""
    if volume := held_one(tx, job, Volume):
        _forget_volume(tx, volume, job)


def volume_not_deleted(tx: Transaction, job: Job) -> None:
    """The volume is still there."""
    if volume := held_one(tx, job, Volume):
        events.set_state(tx, volume, job.arguments["before"], job_id=job.id)


def _forget_volume(tx: Transaction, volume: Volume, job: Job) -> None:
    for use in tx.session.scalars(select(MachineVolume).where(MachineVolume.volume_id == volume.id)).all():
        tx.session.delete(use)  # of a machine whose creation was stopped before the volume's
    tx.session.flush()
    capacity.give_back(tx, volume.tenant_id, {"volumes": 1, "capacity": volume.capacity})
    capacity.release(tx, volume.id)
    events.changed(tx, volume, "delete", job_id=job.id)
    tx.session.delete(volume)


def volume_captured(tx: Transaction, job: Job) -> None:
    """The volume's content is kept as an image."""
    if image := held_one(tx, job, VolumeImage):
        events.set_state(tx, image, ImageState.AVAILABLE, job_id=job.id)
    if volume := held_one(tx, job, Volume):
        events.set_state(tx, volume, VolumeState.AVAILABLE, job_id=job.id)


def volume_not_captured(tx: Transaction, job: Job) -> None:
    """No image was made."""
    if image := held_one(tx, job, VolumeImage):
        image_quota.give_back(tx, image)
        tx.session.delete(image)
    if volume := held_one(tx, job, Volume):
        events.set_state(tx, volume, VolumeState.AVAILABLE, job_id=job.id)


def image_imported(tx: Transaction, job: Job) -> None:
    """The image is in the store."""
    if image := held_one(tx, job, Image):
        events.set_state(tx, image, ImageState.AVAILABLE, job_id=job.id)


def image_not_imported(tx: Transaction, job: Job) -> None:
    """A stopped import leaves nothing; a failed one leaves an image in ERROR that says why."""
    image = held_one(tx, job, Image)
    if image is None:
        return
    if job.error == CANCELLED.code:
        image_quota.give_back(tx, image)
        events.changed(tx, image, "delete", job_id=job.id)
        tx.session.delete(image)
        return
    faults.blame(image, job)
    events.set_state(tx, image, ImageState.ERROR, job_id=job.id)


def image_deleted(tx: Transaction, job: Job) -> None:
    """Nothing of the image is left; snapshots that built on it build on what it built on (DSP0263 2.0.0, table 21)."""
    image = held_one(tx, job, Image) or held_one(tx, job, VolumeImage)
    if image is None:
        return
    if isinstance(image, Image):
        for heir in tx.session.scalars(select(Image).where(Image.related_image_id == image.id)):
            heir.related_image_id = image.related_image_id
        for machine in tx.session.scalars(select(Machine).where(Machine.latest_snapshot_id == image.id)):
            machine.latest_snapshot_id = image.related_image_id
    for place in tx.session.scalars(select(ProviderImage).where(ProviderImage.image_id == image.id)):
        tx.session.delete(place)
    image_quota.give_back(tx, image)
    events.changed(tx, image, "delete", job_id=job.id)
    tx.session.delete(image)


def image_not_deleted(tx: Transaction, job: Job) -> None:
    """The image is still there."""
    image = held_one(tx, job, Image) or held_one(tx, job, VolumeImage)
    if image is not None:
        events.set_state(tx, image, job.arguments["before"], job_id=job.id)


def network_created(tx: Transaction, job: Job) -> None:
    """The network is in its initial state."""
    network_acted(tx, job)


def network_not_created(tx: Transaction, job: Job) -> None:
    """A stopped creation leaves nothing; a failed one leaves a network in ERROR that says why."""
    network = held_one(tx, job, Network)
    if network is None:
        return
    if job.error == CANCELLED.code:
        tx.session.delete(network)
        return
    faults.blame(network, job)
    events.set_state(tx, network, NetworkState.ERROR, job_id=job.id)


def network_acted(tx: Transaction, job: Job) -> None:
    """The network is as the action leaves it."""
    if network := held_one(tx, job, Network):
        events.set_state(tx, network, job.arguments["after"], job_id=job.id)


def network_unchanged(tx: Transaction, job: Job) -> None:
    """The network is as before."""
    if network := held_one(tx, job, Network):
        events.set_state(tx, network, job.arguments["before"], job_id=job.id)


def network_deleted(tx: Transaction, job: Job) -> None:
    """Nothing of the network is left."""
    if network := held_one(tx, job, Network):
        events.changed(tx, network, "delete", job_id=job.id)
        tx.session.delete(network)


def host_drained(tx: Transaction, job: Job) -> None:
    """The host carries no machine and takes none."""
    if host := held_one(tx, job, Host):
        events.set_state(tx, host, HostState.MAINTENANCE, job_id=job.id)


def host_not_drained(tx: Transaction, job: Job) -> None:
    """A stopped drain lets machines in again; a failed one keeps them out until an operator decides."""
    host = held_one(tx, job, Host)
    if host is not None and job.error == CANCELLED.code:
        events.set_state(tx, host, HostState.ONLINE, job_id=job.id)


def nothing(tx: Transaction, job: Job) -> None:
    """The job held no resource: its nested jobs did."""
