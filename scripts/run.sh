#!/bin/sh
# Sets up what is missing, then becomes Node 24 on a file: run.sh FILE [ARGUMENT…]
set -eu
. "$(dirname "$0")/lib/begin.sh"
case "${1:-}" in
  packages/cli/src/main.ts)
    case "${2:-}" in
      up | dev | doctor) begin ;;
      *) begin --command ;;
    esac
    ;;
  '')
    echo "usage: scripts/run.sh FILE [ARGUMENT...]" >&2
    exit 2
    ;;
  *) begin ;;
esac
exec "$node24" "$@"
