# SPDX-License-Identifier: GPL-2.0-only
#
# Builds the small kernel, the debug and the kcsan kernel from Debian's linux-source-6.12.
#
# What stays in the cache is what the tests need: the image, the ELF vmlinux, the modules, and a
# tree that external modules build against, made by the kernel's own install-extmod-build. The
# source tree, 1.5 GiB, is removed.

# shellcheck shell=bash

source_package=linux-source-6.12
# raised when the steps below change what they produce
build_version=1

# build_key NAME: the name of everything that a built kernel depends on
build_key() {
	{
		dpkg-query -W -f '${Version}\n' "$source_package"
		cat "$TESTBED/small.config"
		[ "$1" = small ] || cat "$TESTBED/$1.config"
		echo "$build_version"
		gcc --version | sed -n 1p
	} | sha256sum | cut -c1-16
}

# check_options CONFIG WANTED...: every requested option must stand in the final .config
check_options() {
	local config=$1 line missing=0
	shift
	while read -r line; do
		# an option that a later file sets otherwise is that file's to check
		grep -qxF "$line" "$config" && continue
		echo "requested, but not in the final .config: $line"
		missing=1
	done < <(cat "$@" | awk '
		/^CONFIG_/ { split($0, a, "="); want[a[1]] = $0 }
		/^# CONFIG_.* is not set$/ { want[$2] = $0 }
		END {
			# the choice of a preemption model is one: the last request holds
			if ("CONFIG_PREEMPT" in want)
				delete want["CONFIG_PREEMPT_VOLUNTARY"]
			for (name in want)
				print want[name]
		}')
	return $missing
}

# build_steps NAME OUT WORK: configure and build; run under step()
build_steps() {
	local name=$1 out=$2 work=$3 fragments=("$TESTBED/small.config") module
	[ "$name" = small ] || fragments+=("$TESTBED/$name.config")
	mkdir "$work/source"
	tar -C "$work/source" --strip-components=1 -xf "/usr/src/$source_package.tar.xz"
	cd "$work/source"
	make tinyconfig
	./scripts/kconfig/merge_config.sh -m .config "${fragments[@]}"
	echo "CONFIG_LOCALVERSION=\"-$name\"" >>.config
	make olddefconfig
	check_options .config "${fragments[@]}"
	nice make -j"$(nproc)" bzImage modules
	make -s kernelrelease >"$out/release"
	cp arch/x86/boot/bzImage "$out/bzImage"
	cp vmlinux "$out/vmlinux"
	cp .config "$out/config"
	mkdir -p "$out/modules"
	find . -name '*.ko' -exec cp {} "$out/modules/" \;
	rm -rf "$out/build"
	make run-command KBUILD_RUN_COMMAND="\$(srctree)/scripts/package/install-extmod-build $out/build"
	# an external module's build must find what a kernel's own tree has at these places
	cp Module.symvers .config "$out/build/"
	for module in irqbypass kvm kvm-intel; do
		[ -f "$out/modules/$module.ko" ]
	done
	mv "$out/release" "$out/release.new"
	mv "$out/release.new" "$out/release"
	touch "$out/complete"
}

# build_kernel NAME: make sure that kernel NAME is in the cache; prints its directory
build_kernel() {
	local name=$1 out expected
	dpkg-query -W "$source_package" >/dev/null 2>&1 ||
		die "the package $source_package is missing; 'make setup' installs it"
	out=$CACHE/kernel-$name-$(build_key "$name")
	if [ ! -e "$out/complete" ]; then
		with_lock "kernel-$name"
	fi
	if [ ! -e "$out/complete" ]; then
		expected="8 minutes on 2 free cores"
		[ "$name" = small ] || expected="12 minutes on 2 free cores"
		work=$(mktemp -d "$CACHE/kernel-work.XXXXXX")
		# shellcheck disable=SC2064 # the directory of now
		trap "rm -rf '$work'" EXIT
		mkdir -p "$out"
		step "$out/build.log" "$expected" "building the $name kernel" \
			build_steps "$name" "$out" "$work"
		rm -rf "$work"
	fi
	printf '%s\n' "$out"
}
