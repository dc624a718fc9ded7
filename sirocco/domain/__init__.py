"""Rules without effects: who may do what, state machines, quota arithmetic, queries."""
