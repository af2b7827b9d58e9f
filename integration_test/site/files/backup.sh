#!/bin/sh
set -eu
tar -czf "/var/backups/app/$(date +%F).tar.gz" -C / etc
ln -sf "$(date +%F).tar.gz" /var/backups/app/latest.tar.gz
