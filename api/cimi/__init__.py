"""CIMI (DMTF DSP0263): one model, served in the namespaces /1 and /2, as JSON and XML."""
