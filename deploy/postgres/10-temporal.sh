#!/bin/sh
# First start of PostgreSQL: a role and two databases of its own for the workflow engine.
set -eu
psql --set=ON_ERROR_STOP=1 --set=password="$(cat /run/secrets/temporal_database_password)" \
    --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<'SQL'
CREATE ROLE temporal LOGIN PASSWORD :'password';
CREATE DATABASE temporal OWNER temporal;
CREATE DATABASE temporal_visibility OWNER temporal;
SQL
