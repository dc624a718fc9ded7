"""Use cases, one file per aggregate: authorization, rules, quota, record and job in one transaction."""
