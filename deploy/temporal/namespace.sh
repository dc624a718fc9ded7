#!/bin/sh
# Make Sirocco's namespace, its retention and its search attributes known to the engine; again changes nothing.
set -eu
tries=0
until temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" >/dev/null 2>&1 ||
    temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention 720h; do
    tries=$((tries + 1))
    [ "$tries" -lt 30 ] || exit 1
    sleep 2
done
temporal operator namespace update --namespace "$TEMPORAL_NAMESPACE" --retention 720h
temporal operator search-attribute create --namespace "$TEMPORAL_NAMESPACE" \
    --name SiroccoTenant --type Keyword --name SiroccoResource --type Keyword \
    --name SiroccoProvider --type Keyword --name SiroccoJob --type Keyword
