#!/bin/sh
# Bring the engine's two databases to the schema of this release of Temporal.
set -eu
SQL_PASSWORD=$(cat /run/secrets/temporal_database_password)
export SQL_PASSWORD

migrate() {
    tool="temporal-sql-tool --plugin postgres12 --ep postgres -p 5432 -u temporal --db $1"
    $tool setup-schema -v 0.0 || true # there already
    $tool update-schema -d "/etc/temporal/schema/postgresql/v12/$2/versioned"
}

migrate temporal temporal
migrate temporal_visibility visibility
