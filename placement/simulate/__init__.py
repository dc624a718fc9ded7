"""The lease simulator: workloads in, events, reports and plots out, on the scheduler that real leases use."""
