/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The timelines of a page that `lintel trace --html` wrote. The record is the JSON of #record: for
 * each vCPU its exits as [number, out, resumed, reason, text, result], times in ticks from the
 * earliest one, resumed -1 where the guest has not been entered again. Drawing is done on one SVG
 * for each vCPU; the view is a range of time (or, with equal widths, of exits) that all share.
 */
"use strict";
(function () {
	const record = JSON.parse(document.getElementById("record").textContent);
	const kinds = ["short", "handling", "resumed", "user", "error"];
	const SVG = document.querySelector("svg").namespaceURI, WIDTH = 1000, HEIGHT = 44;
	const by = document.getElementById("by"), about = document.getElementById("about");
	let view;

	function time(ticks) {
		const ns = ticks * 1e6 / record.khz;
		if (!record.khz)
			return ticks + " ticks";
		return ns < 1e4 ? ns.toFixed(0) + " ns" : ns < 1e7 ? (ns / 1e3).toFixed(1) + " us" :
			ns < 1e10 ? (ns / 1e6).toFixed(1) + " ms" : (ns / 1e9).toFixed(1) + " s";
	}

	// All bars of a vCPU: [from, to, class, index of the exit].
	function bars(exits) {
		const all = [];
		exits.forEach(function (e, i) {
			const end = e[2] < 0 ? record.end : e[2];
			const next = i + 1 < exits.length ? exits[i + 1][1] : record.end;
			if (by.value === "time") {
				all.push([e[1], end, kinds[e[5]] || "error", i]);
				if (e[2] >= 0)
					all.push([end, Math.max(end, next), "guest", i]);
				return;
			}
			const host = end - e[1], guest = e[2] < 0 ? 0 : Math.max(0, next - end);
			const share = host + guest ? host / (host + guest) : 1;
			all.push([i, i + share, kinds[e[5]] || "error", i]);
			all.push([i + share, i + 1, "guest", i]);
		});
		return all;
	}

	function whole() {
		if (by.value === "time")
			return [0, Math.max(record.end, 1)];
		return [0, Math.max(1, ...record.vcpus.map((v) => v.exits.length))];
	}

	function draw() {
		const scale = WIDTH / (view[1] - view[0]);
		let drawn = 0;
		record.vcpus.forEach(function (vcpu, v) {
			const svg = document.getElementById("timeline-" + v);
			svg.replaceChildren();
			for (const [from, to, kind, i] of bars(vcpu.exits)) {
				if (to < view[0] || from > view[1])
					continue;
				const x = Math.max(0, (from - view[0]) * scale);
				const rect = document.createElementNS(SVG, "rect");
				rect.setAttribute("x", x.toFixed(2));
				rect.setAttribute("y", kind === "guest" ? 14 : 4);
				rect.setAttribute("height", kind === "guest" ? 16 : 36);
				rect.setAttribute("width", Math.max(0.6, Math.min(WIDTH,
					(to - view[0]) * scale) - x).toFixed(2));
				rect.setAttribute("class", kind);
				rect.dataset.exit = v + "-" + i;
				svg.appendChild(rect);
				drawn++;
			}
		});
		document.getElementById("range").textContent = by.value === "time" ?
			time(view[0]) + " to " + time(view[1]) : "";
		document.documentElement.dataset.bars = drawn;
	}

	function of(target) {
		const at = target.dataset && target.dataset.exit;
		if (!at)
			return null;
		const [v, i] = at.split("-").map(Number);
		return { row: document.getElementById("exit-" + at), vcpu: record.vcpus[v], i: i,
			 e: record.vcpus[v].exits[i],
			 guest: target.getAttribute("class") === "guest" };
	}

	function hover(event) {
		const it = of(event.target);
		if (!it)
			return;
		const [number, out, resumed, reason, text] = it.e;
		const after = it.vcpu.exits[it.i + 1], next = after ? after[1] : record.end;
		about.textContent = it.guest ? "guest for " + time(Math.max(0, next - resumed)) +
			" behind exit " + number : "exit " + number + ", " + reason + " " + text +
			(resumed < 0 ? "" : ", " + time(resumed - out));
	}

	function zoom(event) {
		const box = event.currentTarget.getBoundingClientRect(), all = whole();
		const part = (event.clientX - box.left) / box.width;
		const here = view[0] + part * (view[1] - view[0]);
		const factor = event.deltaY < 0 ? 0.7 : 1 / 0.7;
		const size = Math.min(all[1], (view[1] - view[0]) * factor);
		const from = Math.min(Math.max(0, here - part * size), all[1] - size);
		event.preventDefault();
		view = [from, from + size];
		draw();
	}

	function reset() {
		view = whole();
		draw();
	}

	record.vcpus.forEach(function (vcpu, v) {
		const svg = document.getElementById("timeline-" + v);
		svg.setAttribute("viewBox", "0 0 " + WIDTH + " " + HEIGHT);
		svg.addEventListener("mousemove", hover);
		svg.addEventListener("wheel", zoom, { passive: false });
		svg.addEventListener("dblclick", reset);
		svg.addEventListener("click", function (event) {
			const it = of(event.target);
			if (!it)
				return;
			for (const row of document.querySelectorAll("tr.chosen"))
				row.classList.remove("chosen");
			it.row.classList.add("chosen");
			it.row.scrollIntoView({ block: "center" });
		});
	});
	by.addEventListener("change", reset);
	document.getElementById("all").addEventListener("click", reset);
	reset();
}());
