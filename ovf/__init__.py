"""OVF descriptors and OVA archives, read leniently, judged separately, written strictly."""
