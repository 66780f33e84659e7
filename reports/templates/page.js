"use strict";
(async () => {
  const root = document.documentElement;
  const bytes = Uint8Array.from(atob(document.getElementById("figures").textContent), (c) => c.charCodeAt(0));
  const unpacked = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  const figures = await new Response(unpacked).json();
  // From here on figures are drawn; browsers that came no further show the drawings.
  root.classList.add("scripts");
  const toggles = [...document.querySelectorAll(".toggles input")];
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const [ERRORS, WARNINGS] = [1, 2]; // of Vega's levels of what it tells the console
  const night = JSON.parse(document.getElementById("night").textContent);
  const scales = {}; // figure -> axis -> the kind of scale that the reader has chosen

  // --- what is drawn: a figure's specification, as the reader has set the page -------------

  const hidden = () => new Set(toggles.filter((t) => !t.checked).map((t) => t.value));

  // Rows of the strategies that are shown, scales without the names of the others, and the
  // colours of the theme.
  const without = (node, gone) => {
    if (Array.isArray(node)) {
      return node.filter((row) => !gone.has(row?.searcher)).map((row) => without(row, gone));
    }
    if (typeof node === "string") return (dark.matches && night[node]) || node;
    if (node === null || typeof node !== "object") return node;
    const copy = Object.fromEntries(Object.entries(node).map(([k, v]) => [k, without(v, gone)]));
    if (copy.field === "searcher" && Array.isArray(copy.scale?.domain)) {
      const { domain, range } = node.scale;
      const kept = (_, i) => !gone.has(domain[i]);
      copy.scale.domain = domain.filter(kept);
      if (Array.isArray(range)) copy.scale.range = copy.scale.range.filter(kept);
    }
    return copy;
  };

  // All encodings of an axis, in every layer.
  const channels = (node, axis) => {
    if (node === null || typeof node !== "object") return [];
    const inner = Object.values(node).flatMap((child) => channels(child, axis));
    const own = node.encoding?.[axis];
    return own && typeof own === "object" ? [own, ...inner] : inner;
  };
  const isLog = (spec, axis) => channels(spec, axis).some(({ scale }) => scale?.type === "log");

  // Titles in lines that have room; the widths are those of an average letter.
  const lines = (text, most) => {
    const found = [""];
    for (const word of text.split(" ")) {
      const longer = `${found.at(-1)} ${word}`.trim();
      if (found.at(-1) && longer.length > most) found.push(word);
      else found[found.length - 1] = longer;
    }
    return found;
  };
  // The texts of a legend, and how many columns of them have room.
  const texts = (spec, { field, scale }) => {
    if (Array.isArray(scale?.domain)) return scale.domain.map(String);
    const found = [];
    const visit = (node) => {
      if (node === null || typeof node !== "object") return;
      if (Object.hasOwn(node, field)) found.push(String(node[field]));
      Object.values(node).forEach(visit);
    };
    visit([spec.data, spec.datasets]);
    return found;
  };
  const columns = (width, names) => {
    const longest = names.reduce((most, { length }) => Math.max(most, length), 15);
    return Math.max(1, Math.floor(width / (longest * 6.5 + 45)));
  };
  const wrap = (spec, width) => {
    const [small, large] = [Math.floor(width / 6.5), Math.floor(width / 8)];
    for (const [axis, most] of [["x", small - 22], ["y", 45]]) {
      for (const channel of channels(spec, axis)) {
        if (typeof channel.title === "string") channel.title = lines(channel.title, most);
      }
    }
    for (const channel of ["color", "strokeDash"].flatMap((name) => channels(spec, name))) {
      if (channel.legend === null || !channel.field) continue;
      const fitting = columns(width, texts(spec, channel));
      channel.legend = { ...channel.legend, columns: fitting, labelLimit: width / fitting - 45 };
    }
    const { title } = spec;
    if (typeof title?.text === "string") title.text = lines(title.text, large);
    if (title?.subtitle) title.subtitle = [title.subtitle].flat().flatMap((t) => lines(t, small));
  };

  const theme = (width) => {
    const style = getComputedStyle(root);
    const [ink, line] = ["--ink", "--line"].map((name) => style.getPropertyValue(name).trim());
    const text = { labelColor: ink, titleColor: ink, labelFontSize: 11, titleFontSize: 12 };
    return {
      background: null,
      font: "system-ui, sans-serif",
      view: { stroke: null },
      axisY: { labelLimit: Math.min(240, width * 0.4) },
      axis: { ...text, gridColor: line, domainColor: line, tickColor: line, titleFontWeight: 500 },
      legend: text,
      header: text,
      title: { color: ink, subtitleColor: ink, fontSize: 14, subtitleFontSize: 12 },
    };
  };

  // Whether there are rows of strategies, and none of them is shown.
  const rows = (node) => {
    if (node === null || typeof node !== "object") return 0;
    const own = Object.hasOwn(node, "searcher") ? 1 : 0;
    return Object.values(node).reduce((sum, child) => sum + rows(child), own);
  };
  const empty = (spec, shown) => rows(spec) > 0 && rows(shown) === 0;

  // What a point tells: its fields, without those that it has not.
  const tip = (fields, sanitize) => {
    const known = Object.entries(fields).filter(([, value]) => value !== "null" && value !== null);
    const row = ([name, value]) =>
      `<tr><td class="key">${sanitize(name === "searcher" ? "strategy" : name)}</td>` +
      `<td class="value">${sanitize(value)}</td></tr>`;
    return `<table>${known.map(row).join("")}</table>`;
  };

  const paint = async (place) => {
    const { spec } = figures[place.id];
    const plot = place.querySelector(".plot");
    const gone = hidden();
    const shown = without(spec, gone);
    if (empty(spec, shown)) {
      plot.textContent = "No strategy of this figure is shown.";
      return;
    }
    for (const [axis, type] of Object.entries(scales[place.id] ?? {})) {
      for (const channel of channels(shown, axis)) {
        channel.scale = { ...channel.scale, type };
        if (type === "linear") channel.scale.zero = false;
      }
    }
    wrap(shown, plot.clientWidth);
    // The page keeps its height while a figure is drawn again.
    plot.style.minHeight = `${plot.offsetHeight}px`;
    await vegaEmbed(plot, shown, {
      actions: false,
      config: theme(plot.clientWidth),
      renderer: "svg",
      // Layers whose strategies are all hidden are no mistake: then only errors are told.
      logLevel: gone.size ? ERRORS : WARNINGS,
      tooltip: { theme: dark.matches ? "dark" : "light", formatTooltip: tip },
    });
    plot.style.minHeight = "0";
  };

  // One after the other: of two at a time the older one might end last. One that still waits
  // will see the newest settings.
  const waiting = new Set();
  const latest = new Map();
  const draw = (place) => {
    if (waiting.has(place)) return;
    waiting.add(place);
    const start = () => {
      waiting.delete(place);
      return paint(place);
    };
    latest.set(place, (latest.get(place) ?? Promise.resolve()).then(start, start));
  };

  // Figures are drawn when they come near the screen, and again only if they are near it.
  const near = new Set();
  const stale = new Set(document.querySelectorAll("figure"));
  const update = () => {
    for (const place of near) if (stale.delete(place)) draw(place);
  };
  const all = () => {
    document.querySelectorAll("figure").forEach((place) => stale.add(place));
    update();
  };
  const watcher = new IntersectionObserver(
    (entries) => {
      for (const { isIntersecting, target } of entries) {
        if (isIntersecting) near.add(target);
        else near.delete(target);
      }
      update();
    },
    { rootMargin: "600px" },
  );
  stale.forEach((place) => watcher.observe(place));
  dark.addEventListener("change", all);
  toggles.forEach((toggle) => toggle.addEventListener("change", all));

  // --- a figure's own controls --------------------------------------------------------------

  const save = (link, type, content) => {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      const address = URL.createObjectURL(new Blob([content()], { type }));
      const copy = Object.assign(document.createElement("a"), { href: address, download: link.download });
      copy.click();
      setTimeout(() => URL.revokeObjectURL(address), 10_000);
    });
  };

  document.querySelectorAll("figure").forEach((place) => {
    const { spec, log, csv } = figures[place.id];
    const controls = place.querySelector(".controls");
    for (const axis of log) {
      const label = document.createElement("label");
      const input = document.createElement("input");
      Object.assign(input, { type: "checkbox", checked: isLog(spec, axis) });
      input.addEventListener("change", () => {
        (scales[place.id] ??= {})[axis] = input.checked ? "log" : "linear";
        draw(place);
      });
      label.append(input, `log ${axis}`);
      controls.append(label);
    }
    save(controls.querySelector(".data"), "text/csv", () => csv);
    const image = () => place.querySelector(".plot svg, .static svg").outerHTML;
    save(controls.querySelector(".image"), "image/svg+xml", image);
  });

  // --- tables -------------------------------------------------------------------------------

  const keyOf = (cell) => (cell.dataset.key === undefined ? cell.textContent.trim() : +cell.dataset.key);
  const compare = (a, b) => {
    if (typeof a === "number" && typeof b === "number") return a - b;
    return String(a).localeCompare(String(b), "en", { numeric: true });
  };
  const missing = (key) => key === "–";

  const sort = (table, place, sign) => {
    const body = table.tBodies[0];
    const rows = [...body.rows].map((row) => [keyOf(row.cells[place]), row]);
    rows.sort(([a], [b]) => missing(a) - missing(b) || sign * compare(a, b));
    body.append(...rows.map(([, row]) => row));
  };

  // Whether a table is wider than its frame.
  const frames = document.querySelectorAll(".scroll");
  const widths = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      target.classList.toggle("wide", target.scrollWidth > target.clientWidth + 1);
    }
  });
  frames.forEach((frame) => widths.observe(frame));

  document.querySelectorAll("table").forEach((table) => {
    [...table.tHead.rows[0].cells].forEach((head, place, heads) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const up = head.getAttribute("aria-sort") !== "ascending";
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", up ? "ascending" : "descending");
        sort(table, place, up ? 1 : -1);
      });
    });
  });
})();
