// What the film shows: one panel per reader, the text at one epoch over its whole history.

const screen = {
  drawLegend() {
    const key = make("span", "key");
    key.append("colour: 0", make("i"), this.data.limit);
    this.legend.replaceChildren(key);
  },

  build() {
    const { readers, plots } = this.data;
    // Head, text, heatmap, curves, story: the panels of a line share the heights of these rows.
    this.grid.style.setProperty("--rows", 5);
    this.panels = readers.map((reader) => this.newPanel(reader, plots));
    this.grid.replaceChildren(...this.panels.map((panel) => panel.node));
  },

  newPanel(reader, plots) {
    const node = make("article", "panel");
    node.setAttribute("aria-label", reader.title);
    node.style.setProperty("--reader", reader.colour);
    node.style.setProperty("--reader-ink", reader.ink);
    node.style.setProperty("--epochs", this.data.epochs);
    const head = make("header", "head");
    const verdict = make("span", "chip");
    head.append(make("span", "badge", reader.mark), make("h3", "", reader.title), verdict);
    const read = make("p", "read");
    const text = make("div", "words");
    text.dir = this.data.dir;
    const words = this.data.text.map(([before, piece], i) => {
      if (before) text.append(before);
      const word = make("span", "w", piece);
      word.dataset.i = i;
      text.append(word);
      return word;
    });
    if (this.data.tail) text.append(make("span", "tail", this.data.tail));
    const said = make("div", "said");
    said.append(text, read);
    const { table, cells, heads } = this.newTable(reader);
    const curves = make("div", "curves");
    const plotted = plots.map((plot) => this.newPlot(plot, reader));
    curves.append(...plotted.map((plot) => plot.node));
    node.append(head, said, table, curves, make("p", "story", reader.story));
    return { node, reader, verdict, read, words, cells, heads, plots: plotted };
  },

  at(panel) {
    const { frames } = panel.reader;
    return frames[Math.min(this.now, frames.length) - 1];
  },

  // ---- words × epochs ------------------------------------------------------------------------

  newTable(reader) {
    const box = make("div", "strip");
    const table = make("table");
    table.append(make("caption", "", reader.meaning + ", %"));
    const cells = [];
    const top = make("tr");
    top.append(make("th", "corner", "epoch"));
    const heads = this.range().map((epoch) => {
      const head = make("th");
      head.scope = "col";
      const button = make("button", "", String(epoch) + (epoch === reader.kept ? "★" : ""));
      button.type = "button";
      button.dataset.epoch = epoch;
      button.title = epoch === reader.kept ? `epoch ${epoch}: its weights were kept` : `epoch ${epoch}`;
      head.append(button);
      top.append(head);
      return head;
    });
    const head = make("thead");
    head.append(top);
    const body = make("tbody");
    const shown = this.all ? this.data.text.map((_, i) => i) : this.data.rows;
    for (const i of shown) {
      const row = make("tr");
      row.dataset.i = i;
      const name = make("th", "", this.data.text[i][1]);
      name.scope = "row";
      name.title = this.data.text[i][1];
      row.append(name);
      for (const epoch of this.range()) {
        const frame = reader.frames[epoch - 1];
        const cell = make("td", frame ? step(frame.q[i], false) : "none");
        cell.dataset.epoch = epoch;
        if (frame) {
          cell.textContent = frame.v[i] >= 0.005 ? Math.round(100 * frame.v[i]) : "";
          cell.title = `${this.data.text[i][1]}, epoch ${epoch}: ${percent(frame.v[i])}`;
          if (!cell.textContent) cell.setAttribute("aria-label", percent(frame.v[i]));
        }
        row.append(cell);
        (cells[epoch] = cells[epoch] || []).push(cell);
      }
      body.append(row);
    }
    table.append(head, body);
    box.append(table);
    const more = this.data.text.length - this.data.rows.length;
    if (more > 0) {
      const button = make("button", "more", this.all ? "Only the strongest words" : `All words (${more} more)`);
      button.type = "button";
      button.addEventListener("click", () => this.unfold(reader.id));
      box.append(button);
    }
    return { table: box, cells, heads };
  },

  unfold(id) {
    this.all = !this.all;
    this.build();
    this.show(this.now);
    this.panels.find((panel) => panel.reader.id === id).node.querySelector(".more").focus();
  },

  range() {
    return Array.from({ length: this.data.epochs }, (_, i) => i + 1);
  },

  // ---- curves over the same epochs -----------------------------------------------------------

  newPlot(plot, reader) {
    const node = make("section", "plot");
    const head = make("div", "plothead");
    const value = make("b");
    head.append(make("span", "", plot.title), value);
    node.append(head);
    // What was measured after an epoch stands in the middle of its column, what moved during it runs through it.
    const shift = plot.name === "p" ? 0 : 0.5;
    const points = (reader.curves[plot.name] || []).map(([at, ...values]) => [at - shift, values]);
    if (!points.length) {
      node.append(make("p", "say", reader.missing[plot.name] || "not recorded"));
      return { node, value, plot };
    }
    const epochs = this.data.epochs;
    const y = (v) => (plot.high - v) / (plot.high - plot.low);
    const area = make("div", "area");
    const svg = this.draw("svg", { viewBox: `0 0 ${epochs} 1`, preserveAspectRatio: "none", "aria-hidden": "true" });
    const line = (values) => values.map(([x, v], i) => `${i ? "L" : "M"}${x} ${y(v)}`).join("");
    if (plot.mark !== null) svg.append(this.draw("path", { d: `M0 ${y(plot.mark)}H${epochs}`, class: "mark" }));
    const middle = points.map(([x, v]) => [x, v[v.length >> 1]]);
    if (points[0][1].length > 1 && points.some(([, v]) => v[0] !== v[2])) {
      const back = [...points].reverse().map(([x, v]) => `L${x} ${y(v[0])}`).join("");
      svg.append(this.draw("path", { d: line(points.map(([x, v]) => [x, v[2]])) + back + "Z", class: "band" }));
    }
    svg.append(this.draw("path", { d: line(middle), class: "line" }));
    const head2 = make("i", "head2");
    area.append(svg, head2);
    const dots = points[0][1].length > 1 ? [] : middle.map(([x, v]) => this.dot(x / epochs, y(v)));
    area.append(...dots);
    const ends = make("div", "ends");
    ends.append(make("span", "", plot.ends[1]), make("span", "", plot.ends[0]));
    const body = make("div", "plotbody");
    body.append(ends, area);
    node.append(body);
    return { node, value, plot };
  },

  dot(x, y) {
    const dot = make("i", "dot");
    dot.style.left = `${100 * x}%`;
    dot.style.top = `${100 * y}%`;
    return dot;
  },

  draw(name, attributes) {
    const node = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    return node;
  },

  // ---- one epoch -----------------------------------------------------------------------------

  frame(panel) {
    const frame = this.at(panel);
    const over = this.now > panel.reader.frames.length;
    panel.node.style.setProperty("--now", this.now);
    panel.words.forEach((word, i) => (word.className = "w " + step(frame.q[i], false)));
    panel.cells.forEach((column, epoch) => column.forEach((cell) => cell.classList.toggle("now", epoch === this.now)));
    panel.heads.forEach((head, i) => head.classList.toggle("now", i + 1 === this.now));
    setText(panel.verdict, `${frame.label} ${frame.words}`);
    panel.over = over ? `its training ended after epoch ${panel.reader.frames.length}` : "";
    panel.plots.forEach(({ value, plot }) => setText(value, frame.now[plot.name] || ""));
    this.note(panel);
  },

  point(i) {
    if (i === this.hot) return;
    this.hot = i;
    for (const node of this.grid.querySelectorAll(".hot")) node.classList.remove("hot");
    if (i !== null) for (const node of this.grid.querySelectorAll(`[data-i="${i}"]`)) node.classList.add("hot");
    this.panels.forEach((panel) => this.note(panel));
  },

  note(panel) {
    const i = this.hot;
    const word = i === null || i === undefined ? "" : `\u201c${this.data.text[i][1]}\u201d ${percent(this.at(panel).v[i])}`;
    setText(panel.read, word || panel.over || "\u00a0");
  },
};
