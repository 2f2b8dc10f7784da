#!/bin/sh
# `npm test`: sets up what is missing, then every check. With arguments: only the tests they name.
set -eu
. "$(dirname "$0")/lib/begin.sh"
begin --test
OPMAS_NATS_BIN=$nats_server
OPMAS_TEST_CHROMIUM=$chromium
export OPMAS_NATS_BIN OPMAS_TEST_CHROMIUM
exec "$node24" scripts/check.mjs "$@"
