# SPDX-License-Identifier: GPL-2.0-only
#
# What every script of the test machine shares: where the cache is, how a long step is
# announced, how an error is worded, and a lock that a dead process cannot hold.
#
# Sourced, never run. The script that sources it has set -eu and $PROG, its own name.

# shellcheck shell=bash
TESTBED=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck disable=SC2034 # used by the scripts that source this file
TOP=$(dirname "$TESTBED")
CACHE=${LINTEL_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/lintel}
mkdir -p "$CACHE"

if [ -t 2 ]; then
	bold=$(printf '\033[1m') red=$(printf '\033[31m') plain=$(printf '\033[0m')
else
	bold='' red='' plain=''
fi

# say TEXT: a line of progress. On stderr, for stdout belongs to what a script answers.
say() {
	printf '%s%s%s: %s\n' "$bold" "$PROG" "$plain" "$*" >&2
}

# die TEXT: name the cause and the cure, and end the script.
die() {
	printf '%s%s: error:%s %s\n' "$red" "$PROG" "$plain" "$*" >&2
	exit 1
}

# step LOG EXPECTED TEXT COMMAND...: run a long command with its output in LOG; one line
# before, with the expected time, one after, with the time it took; on failure the end of LOG.
# What is built there is a project of its own and must not take itself for a part of the make that
# called us: the kernel's selftests do, by MAKELEVEL, and then write to the root directory.
step() {
	local log=$1 expected=$2 text=$3 begin=$SECONDS status
	shift 3
	say "$text (about $expected) ..."
	mkdir -p "$(dirname "$log")"
	# not inside a condition: there, bash ignores set -e in the whole command
	set +e
	(
		set -e
		unset MAKELEVEL MAKEFLAGS MFLAGS
		"$@"
	) >"$log" 2>&1 </dev/null
	status=$?
	set -e
	if [ "$status" -eq 0 ]; then
		say "$text: done in $((SECONDS - begin)) s"
		return 0
	fi
	tail -n 40 "$log" >&2
	die "$text failed; the whole output is in $log"
}

# with_lock NAME: hold the cache's lock NAME until the script ends. Two builds of one
# artefact must not run at once; the kernel drops the lock with the process.
with_lock() {
	exec {lock_fd}>"$CACHE/$1.lock"
	if ! flock -n "$lock_fd"; then
		say "waiting for another process that builds $1"
		flock "$lock_fd"
	fi
}

# need_command NAME...: every program must be there.
need_command() {
	local name
	for name in "$@"; do
		command -v "$name" >/dev/null ||
			die "the program '$name' is missing; 'make setup' installs it"
	done
}
