#!/usr/bin/env bash
# Checks that the tools that make needs are installed, and prints a line for each that is
# missing. With the argument `browser` it looks for Chromium, with `socketio` for the Socket.IO
# client of Debian's Python, and installs the Debian packages if it can.
set -u

missing=0
need() { # the command, and what to install
  command -v "$1" >/dev/null 2>&1 && return
  echo "framescope: $1 is missing: install $2" >&2
  missing=1
}

# findBrowser in server/browser_test.go looks for a browser in the same places.
find_browser() {
  if [ -n "${CHROMIUM:-}" ] && [ -x "$CHROMIUM" ]; then return; fi
  for name in chromium chromium-browser google-chrome google-chrome-stable chrome headless-shell chrome-headless-shell; do
    command -v "$name" >/dev/null 2>&1 && return
  done
  for file in "${HOME:-/}"/.cache/ms-playwright/chromium*/chrome-*/{chrome,headless_shell,chrome-headless-shell} \
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome" /Applications/Chromium.app/Contents/MacOS/Chromium; do
    [ -x "$file" ] && return
  done
  return 1
}

install() { # what for, and the Debian packages
  { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; } || return
  echo "installing ${*:2} for $1" >&2
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${@:2}"; } >&2
}

# The system's own Python, whatever else is on the PATH, since Debian's packages are for that.
find_socketio() {
  /usr/bin/python3 -c 'import socketio, requests, websocket' 2>/dev/null
}

if [ "${1:-}" = socketio ]; then
  find_socketio && exit 0
  install "the Socket.IO tests" python3-socketio python3-requests python3-websocket && find_socketio && exit 0
  echo "framescope: /usr/bin/python3 has no python-socketio for the Socket.IO tests: install the packages python3-socketio, python3-requests and python3-websocket" >&2
  exit 1
fi

if [ "${1:-}" = browser ]; then
  find_browser && exit 0
  install "the browser tests" chromium && find_browser && exit 0
  echo "framescope: no Chromium or Chrome for the browser tests: install one, or name it in CHROMIUM=/path/to/chrome" >&2
  exit 1
fi

need go "Go 1.26 or newer from go.dev, and put its bin folder on the PATH"
need node "Node.js 20 or newer from nodejs.org"
need npm "npm; it comes with Node.js"
[ "$missing" = 0 ] || exit 1
major=$(node -p 'process.versions.node.split(".")[0]')
if [ "$major" -lt 20 ]; then
  echo "framescope: Node.js $(node --version) is too old: install Node.js 20 or newer" >&2
  exit 1
fi
