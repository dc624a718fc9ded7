"""What workers do beside workflows: start jobs, find lost ones, look at what the clouds show."""
