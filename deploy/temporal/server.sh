#!/bin/sh
# Temporal takes its database password from the environment only: it is put there inside the container, from a file.
set -eu
POSTGRES_PWD=$(cat /run/secrets/temporal_database_password)
export POSTGRES_PWD
exec /etc/temporal/entrypoint.sh
