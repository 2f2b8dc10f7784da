#!/bin/sh
# `npm start`: sets up what is missing, then becomes `opmas up`, so that signals reach it directly.
set -eu
. "$(dirname "$0")/lib/begin.sh"
begin
exec "$node24" packages/cli/src/main.ts up "$@"
