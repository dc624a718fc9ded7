"""Decisions that a site makes its own: who is admitted, who gives way, which host, what price, which limits."""

from placement.leases.policies.admission import AcceptAll, Admission, AllOf, NoAdvance, UserLimits
from placement.leases.policies.hosts import Greedy, HostChoice, NoPreference
from placement.leases.policies.preemption import AdvanceFirst, DeadlineAware, NoPreemption, Preemption
from placement.leases.policies.pricing import Adaptive, Constant, Free, Offer, Peak, Pricing
from placement.leases.policies.registry import Policies, parse_policy, parse_pricing

__all__ = [
    "AcceptAll",
    "Adaptive",
    "Admission",
    "AdvanceFirst",
    "AllOf",
    "Constant",
    "DeadlineAware",
    "Free",
    "Greedy",
    "HostChoice",
    "NoAdvance",
    "NoPreemption",
    "NoPreference",
    "Offer",
    "Peak",
    "Policies",
    "Preemption",
    "Pricing",
    "UserLimits",
    "parse_policy",
    "parse_pricing",
]
