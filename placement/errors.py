"""What a caller may have to tell a user."""


class InputError(ValueError):
    """An instance, plan or option that cannot be used; the text says what and where."""


class PlanningError(Exception):
    """No legal order of actions was found for a placement; the text names the actions left over."""
