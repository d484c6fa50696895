# SPDX-License-Identifier: GPL-2.0-only
#
# A private apt configuration: lets a script read the signed package lists of another Debian
# suite, without a change to the machine's own sources, lists or preferences.
#
# The mirror is the one that the machine is configured with; the lists are kept in the cache.
# apt checks the Release file's signature against Debian's archive keys, and the lists
# against the Release file, so a SHA256 that is read from a list can be trusted.

# shellcheck shell=bash

# apt_mirror: the address of the Debian mirror that this machine uses.
apt_mirror() {
	local mirror
	# read to the end: a reader that stops early would end apt-get by SIGPIPE
	mirror=$(apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(REPO_URI)' |
		awk -F'|' '$1 == "Debian" && $2 == "Debian" && !seen++ { print $3 }')
	[ -n "$mirror" ] || die "this machine's apt names no Debian mirror, or its lists" \
		"were never read; configure one and run 'apt-get update'"
	printf '%s\n' "$mirror"
}

# apt_suite SUITE DIR [ARCHITECTURE]: make, in DIR, an apt configuration for SUITE; prints its file
# name, which goes into APT_CONFIG. The lists are read again when older than a day.
apt_suite() {
	local suite=$1 dir=$2 arch=${3-} mirror
	local keyring=/usr/share/keyrings/debian-archive-keyring.gpg
	mirror=$(apt_mirror)
	mkdir -p "$dir/lists/partial" "$dir/archives/partial" "$dir/empty.d"
	: >"$dir/status"
	cat >"$dir/sources.list" <<-END
		deb [signed-by=$keyring] $mirror $suite main
		deb-src [signed-by=$keyring] $mirror $suite main
	END
	cat >"$dir/apt.conf" <<-END
		Dir::Etc::sourcelist "$dir/sources.list";
		Dir::Etc::sourceparts "$dir/empty.d";
		Dir::Etc::preferences "/dev/null";
		Dir::Etc::preferencesparts "$dir/empty.d";
		Dir::State::lists "$dir/lists";
		Dir::State::status "$dir/status";
		Dir::Cache "$dir";
		Dir::Cache::archives "$dir/archives";
		Acquire::Languages "none";
		Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
		APT::Sandbox::User "root";
		#clear DPkg::Post-Invoke;
		#clear APT::Update::Post-Invoke;
		#clear APT::Update::Post-Invoke-Success;
	END
	if [ "$arch" ]; then
		printf 'APT::Architecture "%s";\n' "$arch" >>"$dir/apt.conf"
		printf 'APT::Architectures { "%s"; };\n' "$arch" >>"$dir/apt.conf"
	fi
	if [ -z "$(find "$dir/updated" -mmin -1440 2>/dev/null)" ]; then
		APT_CONFIG=$dir/apt.conf apt-get update -qq >"$dir/update.log" 2>&1 || {
			cat "$dir/update.log" >&2
			die "the package lists of Debian's $suite could not be read from the mirror"
		}
		touch "$dir/updated"
	fi
	printf '%s\n' "$dir/apt.conf"
}

# need_package NAME...: what few commands need, and testbed/setup therefore does not install
need_package() {
	local name list=()
	for name; do
		dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null | grep -qx installed ||
			list+=("$name")
	done
	[ ${#list[@]} -gt 0 ] || return 0
	[ "$(id -u)" = 0 ] || die "these packages are missing, and only root can install them:" \
		"${list[*]}"
	with_lock setup
	DEBIAN_FRONTEND=noninteractive step "$CACHE/need-package.log" "20 s" \
		"installing ${list[*]}" apt-get install -y --no-install-recommends "${list[@]}"
}
