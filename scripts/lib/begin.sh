# Sourced by the scripts beside it: goes to the repository, runs set-up, puts Node 24 first on PATH.
# Gives $node24, $nats_server, $chromium. Arguments are set-up's.
cd "$(dirname "$0")/.." || exit 1
begin() {
  if command -v node >/dev/null 2>&1; then
    any_node=node
  elif [ -x "node_modules/node-linux-$(uname -m | sed 's/x86_64/x64/; s/aarch64/arm64/')/bin/node" ]; then
    any_node="node_modules/node-linux-$(uname -m | sed 's/x86_64/x64/; s/aarch64/arm64/')/bin/node"
  else
    echo "OPMAS needs Node.js (18 or newer to set up; it brings its own Node 24)." >&2
    echo "→ sudo apt-get install nodejs npm" >&2
    exit 1
  fi
  found=$("$any_node" scripts/setup.mjs "$@") || exit $?
  node24=$(printf '%s\n' "$found" | sed -n 1p)
  nats_server=$(printf '%s\n' "$found" | sed -n 2p)
  chromium=$(printf '%s\n' "$found" | sed -n 3p)
  PATH="$(dirname "$node24"):$PWD/node_modules/.bin:$PATH"
  export PATH
}
