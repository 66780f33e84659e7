"use strict";
(() => {
  const specs = JSON.parse(document.getElementById("specs").textContent);
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const theme = () => {
    const style = getComputedStyle(document.documentElement);
    const [ink, line] = ["--ink", "--line"].map((name) => style.getPropertyValue(name).trim());
    const text = { labelColor: ink, titleColor: ink };
    return {
      background: null,
      font: "system-ui, sans-serif",
      view: { stroke: null },
      axis: { ...text, gridColor: line, domainColor: line, tickColor: line, titleFontWeight: 500 },
      legend: text,
      title: { color: ink },
    };
  };
  const draw = async () => {
    for (const [name, spec] of Object.entries(specs)) {
      const place = document.getElementById(name);
      // Narrow screens have room for fewer columns of the legend.
      const columns = Math.max(1, Math.floor(place.clientWidth / 190));
      const config = theme();
      config.legend = { ...config.legend, columns };
      await vegaEmbed(place, spec, {
        actions: { export: true, source: false, compiled: false, editor: false },
        config,
        renderer: "svg",
      });
    }
  };
  dark.addEventListener("change", draw);
  draw();
})();
