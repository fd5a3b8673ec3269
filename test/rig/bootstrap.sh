#!/bin/sh
# Makes a fresh checkout ready to run the TypeScript of the rig: `npm run demo`, `test`, `cluster`… begin with it.
# Quick when there is nothing to do; the npm packages bring their own Node, so an older one is enough to start.
set -eu
cd "$(dirname "$0")/../.."

stamp=node_modules/.package-lock.sha256
lock=$(sha256sum package-lock.json)
if [ ! -x node_modules/.bin/node ] || [ "$(cat "$stamp" 2>/dev/null)" != "$lock" ]; then
	# Node's build needs it, and the install scripts of packages run on that Node; a small Debian lacks it.
	if ! ls /usr/lib/*/libatomic.so.1 >/dev/null 2>&1; then
		echo "installing libatomic1 …" >&2
		apt-get update -qq >&2
		DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends libatomic1 >&2
	fi
	echo "installing npm packages …" >&2
	# Not `npm ci`: that refuses a lock file without the optional packages of every platform, and not every registry
	# has them all. The versions are the lock file's all the same, and it is left as it is.
	npm install --no-save --no-audit --no-fund --loglevel=error >&2
	printf '%s\n' "$lock" >"$stamp"
fi

version=$(sed -n 's/^  "version": "\(.*\)",$/\1/p' node_modules/node/package.json)
major=${version%%.*}
minor=${version#*.}
minor=${minor%%.*}
if [ "${major:-0}" -lt 24 ] || { [ "$major" -eq 24 ] && [ "$minor" -lt 12 ]; }; then
	echo "error: node_modules/.bin/node is ${version:-missing}, and 24.12 or newer runs this project: remove node_modules and try again" >&2
	exit 1
fi
