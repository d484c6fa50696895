# SPDX-License-Identifier: GPL-2.0-only
#
# The newest kernel in Debian's sid: which one that is, is read from the signed package index when
# it is asked for, at most once a day.
#
# The kernel's packages are unpacked into the cache, not installed. Its headers hold programs that
# need a newer libc than this machine has, and it is built with a newer compiler; so the module is
# built in a small sid system of its own, made with debootstrap, also in the cache.

# shellcheck shell=bash
# shellcheck source=/dev/null
. "$TESTBED/lib/apt.sh"

sid_system=$CACHE/sid-system

# sid_closure PACKAGE: the package and all that it needs of the same source, by name
sid_closure() {
	apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks \
		--no-replaces --no-enhances "$1" | grep -E "^linux-(image|binary|modules)-[0-9]" | sort -u
}

sid_fetch() {
	local dir=$1 release=$2 deb
	mkdir -p "$dir/debs" "$dir/root"
	cd "$dir/debs"
	sid_closure "linux-image-$release" >"$dir/packages"
	xargs apt-get -o APT::Sandbox::User=root download <"$dir/packages"
	for deb in *.deb; do
		dpkg-deb -x "$deb" "$dir/root"
	done
	rm -r "$dir/debs"
}

sid_bootstrap() {
	local release=$1 mirror
	mirror=$(apt_mirror)
	if [ ! -e "$sid_system/complete" ]; then
		rm -rf "$sid_system"
		debootstrap --variant=minbase --include=make sid "$sid_system" "$mirror"
		touch "$sid_system/complete"
	fi
	echo "deb $mirror sid main" >"$sid_system/etc/apt/sources.list"
	rm -f "$sid_system"/etc/apt/sources.list.d/*
	# a proxy, or how strict to be about dates, is this machine's administrator's choice
	apt-config dump | grep -E '^Acquire::(https?::|Check-)' \
		>"$sid_system/etc/apt/apt.conf.d/90host" || true
	# no service may start in there, whatever a package wishes
	printf '#!/bin/sh\nexit 101\n' >"$sid_system/usr/sbin/policy-rc.d"
	chmod +x "$sid_system/usr/sbin/policy-rc.d"
	env -u APT_CONFIG chroot "$sid_system" sh -ec "
		export DEBIAN_FRONTEND=noninteractive
		apt-get update -qq
		apt-get install -y --no-install-recommends linux-headers-$release make
		apt-get clean"
}

# locate_sid: set release, image, modules, build_dir for testbed/kernel
locate_sid() {
	local dir conf
	need_command debootstrap dpkg-deb
	conf=$(apt_suite sid "$CACHE/apt-sid")
	export APT_CONFIG=$conf
	release=$(apt-cache depends linux-image-amd64 |
		sed -n 's/.*Depends: linux-image-\([0-9].*\)/\1/p')
	[ -n "$release" ] || die "sid's linux-image-amd64 names no kernel; see 'apt-cache depends'" \
		"with APT_CONFIG=$conf"
	dir=$CACHE/kernel-sid-$release
	build_dir=$sid_system/usr/src/linux-headers-$release
	if [ ! -e "$dir/complete" ] || [ ! -d "$build_dir" ]; then
		with_lock kernel-sid
	fi
	if [ ! -e "$dir/complete" ]; then
		rm -rf "$dir"
		step "$CACHE/kernel-sid.log" "30 s" "fetching sid's kernel $release" \
			sid_fetch "$dir" "$release"
		touch "$dir/complete"
	fi
	if [ ! -d "$build_dir" ]; then
		step "$CACHE/sid-system.log" "90 s" "making a sid system to build modules in" \
			sid_bootstrap "$release"
	fi
	unset APT_CONFIG
	image=$(find "$dir/root" -name "vmlinuz-$release" -o -name vmlinuz -path "*$release*" |
		sed -n 1p)
	modules=$(find "$dir/root" -type d -path "*/modules/$release/kernel")
	[ -n "$image" ] && [ -n "$modules" ] ||
		die "the packages of sid's kernel $release hold no image or no modules; their layout" \
			"must have changed: look into $dir/root"
}

# sid_make BUILD_DIR DIR: build the module in DIR, which is copied into the sid system and whose
# result is copied back; the links in DIR are followed, for their targets are not in there. The
# kernel's objtool reads /proc; it is mounted in a mount namespace, which ends with the build.
sid_make() {
	local build_dir=${1#"$sid_system"} dir=$2 inside
	inside=/lintel/$(printf '%s' "$dir" | sha256sum | cut -c1-12)
	mkdir -p "$sid_system$inside"
	cp -rLu --preserve=timestamps "$dir/." "$sid_system$inside"
	# where / is no mount point, as in a chroot, its propagation cannot be changed: then the
	# mount may be seen outside, so it is undone too
	# shellcheck disable=SC2016 # for the inner shell
	nice unshare --mount --propagation unchanged sh -c '
		mount --make-rprivate / 2>/dev/null
		mount -t proc proc "$1/proc" || exit
		chroot "$@"
		status=$?
		umount "$1/proc"
		exit $status' sh \
		"$sid_system" make -C "$build_dir" M="$inside" -j"$(nproc)" W=1 \
		KCFLAGS=-Werror modules
	cp "$sid_system$inside/lintel.ko" "$dir/lintel.ko"
}
