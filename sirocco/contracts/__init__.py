"""Words shared by every process: ids, states, names, payloads, errors. Standard library only."""
