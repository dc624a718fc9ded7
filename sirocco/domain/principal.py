"""Who asks, and for which tenant."""

from dataclasses import dataclass

from sirocco.contracts.errors import FORBIDDEN, SiroccoError
from sirocco.contracts.states import Role


@dataclass(frozen=True, slots=True)
class Principal:
    """A signed-in user acting in one tenant; ``everywhere`` lets an operator see all tenants at once."""

    user_id: str
    name: str
    tenant_id: str
    role: Role
    everywhere: bool = False

    def may(self, role: Role) -> bool:
        """Whether the principal's role includes ``role``."""
        return self.role.includes(role)

    def need(self, role: Role) -> None:
        """Refuse unless the principal's role includes ``role``."""
        if not self.may(role):
            raise SiroccoError(FORBIDDEN, role=role.value)


SYSTEM = Principal(user_id="", name="sirocco", tenant_id="", role=Role.OPERATOR, everywhere=True)
"""The product itself: workers and set-up act as this principal."""
