(() => {
  "use strict";
  const figures = JSON.parse(document.getElementById("figures").textContent);
  const places = [...document.querySelectorAll("[data-figure]")];
  const chosen = {};
  const hidden = new Set();
  const drawn = new Set();
  const config = { responsive: true, displaylogo: false, displayModeBar: false, showTips: false };
  // A finger that moves over a figure scrolls the page.
  const drag = matchMedia("(pointer: coarse)").matches ? false : "zoom";

  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  const faded = (hex, alpha) => {
    const parts = [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
    return `rgba(${parts.join(",")},${alpha})`;
  };

  // "ink", "ink/0.5" and "background" stand for colours of the theme at hand.
  const themed = (value) => {
    if (typeof value === "string") {
      if (value === "background") return css("--paper");
      const match = /^ink(?:\/([\d.]+))?$/.exec(value);
      return match ? faded(css("--ink"), match[1] || 1) : value;
    }
    if (Array.isArray(value)) return typeof value[0] === "number" ? value : value.map(themed);
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, themed(inner)]));
  };

  const template = () => {
    const axis = {
      gridcolor: css("--line"),
      linecolor: css("--line"),
      zerolinecolor: css("--line"),
      zerolinewidth: 1,
      tickcolor: css("--line"),
      tickfont: { size: 12 },
      ticklabelstandoff: 5,
      title: { font: { size: 13 } },
    };
    return {
      layout: {
        font: { family: "system-ui, sans-serif", color: css("--muted"), size: 13 },
        paper_bgcolor: "rgba(0,0,0,0)",
        plot_bgcolor: "rgba(0,0,0,0)",
        hoverlabel: { bgcolor: css("--paper"), bordercolor: css("--muted"), font: { color: css("--ink") } },
        xaxis: axis,
        yaxis: axis,
      },
    };
  };

  const draw = (place) => {
    const figure = figures[place.dataset.figure];
    const plot = figure.plots[chosen[place.dataset.group] ?? figure.first];
    drawn.add(place);
    if (!plot) {
      Plotly.purge(place);
      place.textContent = "nothing to draw for this layer";
      return;
    }
    if (place.firstChild?.nodeType === Node.TEXT_NODE) place.replaceChildren();
    const data = themed(plot.data).map((trace) => ({ ...trace, visible: !hidden.has(trace.meta) }));
    const layout = { dragmode: drag, uirevision: "keep", ...themed(plot.layout), template: template() };
    place.setAttribute("aria-label", plot.label);
    Plotly.react(place, data, layout, config);
  };

  const redraw = (which = () => true) => [...drawn].filter(which).forEach(draw);

  // Far figures wait until the reader comes near, so that a page with many of them opens at once.
  const near = new IntersectionObserver(
    (entries) => {
      for (const entry of entries) {
        if (!entry.isIntersecting) continue;
        near.unobserve(entry.target);
        draw(entry.target);
      }
    },
    { rootMargin: "500px" },
  );
  places.forEach((place) => near.observe(place));
  const drawAll = () => places.filter((place) => !drawn.has(place)).forEach(draw);
  addEventListener("beforeprint", drawAll);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => redraw());

  for (const button of document.querySelectorAll("[data-toggle]")) {
    button.addEventListener("click", () => {
      const row = Number(button.dataset.toggle);
      const show = hidden.delete(row) || !hidden.add(row);
      button.setAttribute("aria-pressed", String(show));
      document.querySelectorAll(`figure[data-row="${row}"]`).forEach((figure) => (figure.hidden = !show));
      redraw((place) => place.offsetParent !== null);
    });
  }

  for (const button of document.querySelectorAll("[data-scale]")) {
    button.addEventListener("click", () => {
      const group = button.parentElement;
      const place = document.getElementById(group.dataset.for);
      const layout = figures[place.dataset.figure].plots[""].layout;
      const { axis } = group.dataset;
      const type = button.dataset.scale;
      const range = type === "linear" ? layout.meta[axis] : undefined;
      layout[axis] = { ...layout[axis], type, range, autorange: !range, uirevision: type };
      for (const other of group.children) other.setAttribute("aria-pressed", String(other === button));
      draw(place);
    });
  }

  for (const select of document.querySelectorAll("select[data-group]")) {
    const choose = () => {
      chosen[select.dataset.group] = select.value;
      redraw((place) => place.dataset.group === select.dataset.group);
    };
    // A browser may remember the choice of an earlier visit.
    choose();
    select.addEventListener("change", choose);
  }
})();
