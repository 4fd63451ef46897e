"use strict";
(function () {
  const MINUTE = 60000;
  const COLOURS = {
    demand: "#bdbdbd", consumed: "#0072b2", was: "#e69f00", would: "#009e73",
    throttledWas: "#cc79a7", throttled: "#d55e00", mark: "#222222",
  };
  const DOMAINS = { reads: [[0.66, 1], [0.55, 0.64]], writes: [[0.11, 0.45], [0, 0.09]] };

  async function unpack(text) {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    const view = new DataView(await new Response(stream).arrayBuffer());
    // Units of a minute become units a second, as the provisioned ones are.
    return Float64Array.from({ length: view.byteLength / 4 }, (_, i) => view.getUint32(4 * i, true) / 60);
  }

  function stepped(steps, end) {
    const times = steps.map((step) => step[0]).concat(end);
    const units = steps.map((step) => step[1]);
    return { x: times, y: units.concat(units.slice(-1)) };
  }

  function escaped(text) {
    return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
  }

  async function traces(data, dimension, axis, isFirst) {
    const all = data[dimension];
    const [demand, throttledWas, throttled] =
      await Promise.all([all.demand, all.throttled_was, all.throttled].map(unpack));
    const minutes = Array.from(demand, (_, i) => data.begin + i * MINUTE);
    const upper = "y" + (axis === 1 ? "" : axis), lower = "y" + (axis + 1);
    const line = (name, y, colour, more) => Object.assign({
      name, legendgroup: name, showlegend: isFirst, type: "scatter", mode: "lines", x: minutes, y,
      xaxis: "x", yaxis: upper, line: { color: colour, width: 1 }, hovertemplate: "%{y:.2f}",
    }, more);
    const steps = (name, of, colour, dash) => line(name, null, colour, Object.assign(
      stepped(of, data.end), { line: { color: colour, width: 2, dash, shape: "hv" }, hovertemplate: "%{y}" }));
    const found = [
      line("demand", demand, COLOURS.demand, { fill: "tozeroy", fillcolor: "rgba(189,189,189,0.35)" }),
      line("consumed as it was", demand.map((value, i) => value - throttledWas[i]), "#56b4e9", { visible: "legendonly" }),
      line("consumed, replayed", demand.map((value, i) => value - throttled[i]), COLOURS.consumed),
    ];
    if (all.was.length) found.push(steps("provisioned as it was", all.was, COLOURS.was, "dash"));
    found.push(
      steps("provisioned, replayed", all.would, COLOURS.would, "solid"),
      line("throttled as it was", throttledWas, COLOURS.throttledWas, { yaxis: lower }),
      line("throttled, replayed", throttled, COLOURS.throttled, { yaxis: lower }),
      line("change", all.marks.map((mark) => mark[2]), COLOURS.mark, {
        x: all.marks.map((mark) => mark[0]), mode: "markers",
        marker: { color: COLOURS.mark, size: 8, symbol: all.marks.map((mark) => mark[2] > mark[1] ? "triangle-up" : "triangle-down") },
        text: all.marks.map((mark) => mark[1] + " → " + mark[2] + ": " + escaped(mark[3])),
        hovertemplate: "%{text}<extra></extra>",
      }),
    );
    return found;
  }

  function layout(data) {
    const made = {
      height: 760, margin: { l: 70, r: 20, t: 40, b: 40 }, hovermode: "closest", dragmode: "zoom",
      legend: { orientation: "h", y: 1.08 }, plot_bgcolor: "#fff",
      xaxis: { type: "date", range: [data.begin, data.end], anchor: "y4", gridcolor: "#eee" },
    };
    ["reads", "writes"].forEach((dimension, i) => {
      const [upper, lower] = DOMAINS[dimension];
      const axis = (title, domain) => ({ title: { text: title }, domain, rangemode: "tozero", gridcolor: "#eee", anchor: "x" });
      made["yaxis" + (i ? 3 : "")] = axis(dimension + ", units/s", upper);
      made["yaxis" + (i ? 4 : 2)] = axis("throttled", lower);
    });
    return made;
  }

  async function draw(section) {
    const data = JSON.parse(section.querySelector("script").textContent);
    const plot = section.querySelector(".plot");
    try {
      const both = [await traces(data, "reads", 1, true), await traces(data, "writes", 3, false)];
      await Plotly.newPlot(plot, both.flat(), layout(data), { responsive: true, displaylogo: false, scrollZoom: false });
      plot.dataset.drawn = "yes";
    } catch (error) {
      plot.textContent = "This figure cannot be drawn: " + error;
      plot.classList.add("error");
      console.error(error);
    }
  }

  const observer = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      const section = entry.target, plot = section.querySelector(".plot");
      if (entry.isIntersecting && !section.dataset.wanted) {
        section.dataset.wanted = "yes";
        draw(section);
      } else if (!entry.isIntersecting && plot.dataset.drawn) {
        // Many figures at a time would take all the memory of the browser.
        Plotly.purge(plot);
        delete section.dataset.wanted;
        delete plot.dataset.drawn;
      }
    }
  }, { rootMargin: "1500px" });

  for (const section of document.querySelectorAll("section.figure")) {
    section.querySelector("h2").textContent = JSON.parse(section.querySelector("script").textContent).label;
    observer.observe(section);
  }
})();
