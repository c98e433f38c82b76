// From the payload to nodes; nodes are kept and refilled, never rebuilt without need.

const drawing = {
  fill(box, count, className) {
    // One span per token between text nodes of the user's own gaps.
    const words = [];
    const parts = document.createDocumentFragment();
    this.data.text.slice(0, count).forEach(([before, text], i) => {
      if (before) parts.append(before);
      const word = make("span", className, text);
      word.dataset.i = i;
      words.push(word);
      parts.append(word);
    });
    box.dir = this.data.dir;
    box.replaceChildren(parts);
    return words;
  },

  drawText() {
    const { text, tail, note } = this.data;
    const key = JSON.stringify([text.map(([b, t]) => [b, t]), tail]);
    if (key !== this.textKey) {
      this.textKey = key;
      this.panels.forEach((panel) => panel.rows.forEach((row) => (row.count = -1)));
      const box = make("div", "words");
      box.setAttribute("role", "listbox");
      box.setAttribute("aria-label", "Your text, token by token. Arrow keys move, Enter selects.");
      this.words = this.fill(box, text.length, "w");
      box.classList.toggle("long", text.length > LONG);
      if (tail) box.append(make("span", "tail", tail));
      this.aside = make("div", "aside");
      this.source.replaceChildren(box, this.aside);
      this.words.forEach((word) => word.setAttribute("role", "option"));
      this.cursor = Math.min(this.cursor, Math.max(0, text.length - 1));
    }
    const seen = new Set();
    this.words.forEach((word, i) => {
      const flags = text[i][2];
      [...flags].forEach((f) => seen.add(f));
      word.className = "w" + flagClass(flags);
      word.tabIndex = i === this.cursor ? 0 : -1;
      word.setAttribute("aria-label", [text[i][1], ...flagWords(flags)].join(", "));
    });
    const notes = [];
    if (note) notes.push(make("span", "", note));
    for (const flag of "udms12") {
      if (!seen.has(flag)) continue;
      const item = make("span");
      item.append(make("span", "w f-" + flag, "word"), " " + flagNames[flag]);
      notes.push(item);
    }
    if (text.length > LONG) notes.push(this.tall);
    this.aside.replaceChildren(...notes);
  },

  drawLegend() {
    const { title, explanation, unsigned, signed, target, hint } = this.data.scale;
    const parts = [make("span")];
    parts[0].append("Colour: ", make("b", "", title));
    parts[0].title = explanation;
    const key = (ends, kind, left, right) => {
      const item = make("span", "key");
      item.append(make("span", "", left + ends[0]), make("i", kind), make("span", "", ends[1] + right));
      parts.push(item);
    };
    if (unsigned) key(unsigned, "unsigned", "how much ", "");
    if (signed) key(signed, "signed", "against ", target ? ` for \u201c${target}\u201d` : " for");
    if (hint) parts.push(make("span", "", hint));
    this.legend.replaceChildren(...parts);
  },

  drawPanels() {
    // One grid row per method over all panels, so that equal maps stand side by side.
    const slots = [...new Set(this.data.readers.flatMap((reader) => reader.rows.map((row) => row.slot)))];
    this.slots = new Map(slots.map((slot, i) => [slot, i + 4]));
    this.grid.style.setProperty("--rows", slots.length + 3);
    const kept = new Map();
    const nodes = this.data.readers.map((reader) => {
      const panel = this.panels.get(reader.id) || this.newPanel();
      kept.set(reader.id, panel);
      this.fillPanel(panel, reader);
      return panel.node;
    });
    this.panels = kept;
    this.order(this.grid, nodes);
  },

  order(parent, nodes) {
    nodes.forEach((node, i) => {
      if (parent.children[i] !== node) parent.insertBefore(node, parent.children[i] || null);
    });
    while (parent.children.length > nodes.length) parent.lastChild.remove();
  },

  newPanel() {
    const node = make("article", "panel");
    const parts = { badge: make("span", "badge"), title: make("h3"), chip: make("span", "chip"), digest: make("span", "digest") };
    const head = make("header", "head");
    head.append(parts.badge, parts.title, parts.chip, parts.digest);
    const bars = make("div", "bars");
    const speaks = make("p", "speaks");
    const list = make("div", "rows");
    node.append(head, bars, speaks, list);
    return { node, ...parts, bars, speaks, list, rows: new Map() };
  },

  fillPanel(panel, reader) {
    panel.node.style.setProperty("--reader", reader.colour);
    panel.node.style.setProperty("--reader-ink", reader.ink);
    panel.node.setAttribute("aria-label", reader.title);
    setText(panel.badge, reader.mark);
    setText(panel.title, reader.title);
    setText(panel.chip, reader.p || "");
    panel.chip.hidden = !reader.p;
    panel.chip.title = "the learned norm";
    setText(panel.digest, reader.digest);
    panel.digest.title = "digest of the weights";
    const signed = reader.rows.some((row) => row.signed && row.q);
    setText(panel.speaks, `${signed ? "For or against" : "About"} \u201c${reader.target}\u201d${reader.predicted ? ", the predicted class" : ""}${reader.of ? `: ${reader.of}` : ""}`);
    this.fillBars(panel.bars, reader.bars);
    const kept = new Map();
    const nodes = reader.rows.map((data) => {
      const row = panel.rows.get(data.key) || this.newRow();
      kept.set(data.key, row);
      this.fillRow(row, data);
      return row.node;
    });
    panel.rows = kept;
    this.order(panel.list, nodes);
  },

  fillBars(box, bars) {
    while (box.children.length > 3 * bars.length) box.lastChild.remove();
    while (box.children.length < 3 * bars.length) {
      const track = make("div", "track");
      track.append(make("div", "fill"));
      box.append(make("span", "name"), track, make("span", "num"));
    }
    bars.forEach(([label, probability, words, predicted], i) => {
      const [name, track, num] = [0, 1, 2].map((k) => box.children[3 * i + k]);
      setText(name, label);
      name.title = label;
      setText(num, words);
      track.firstChild.style.width = `${100 * probability}%`;
      for (const node of [name, num, track.firstChild]) node.classList.toggle("top", predicted);
    });
  },

  newRow() {
    const node = make("section", "row");
    const head = make("div", "rowhead");
    const method = make("button", "method");
    method.type = "button";
    method.setAttribute("aria-expanded", "false");
    const delta = make("span", "delta");
    const special = make("span", "special");
    const ends = make("span", "key");
    const bar = make("i");
    const limit = make("span");
    ends.append(bar, limit);
    const read = make("span", "read");
    head.append(method, delta, special, ends, read);
    const card = make("dl", "card");
    card.hidden = true;
    const warning = make("p", "say warn");
    const map = make("div", "map");
    map.setAttribute("role", "img");
    const reason = make("p", "say");
    node.append(head, card, map, reason, warning);
    const row = { node, method, delta, special, ends, bar, limit, read, card, warning, map, reason, words: [], count: -1 };
    method.addEventListener("click", () => this.toggleCard(row));
    return row;
  },

  fillRow(row, data) {
    row.data = data;
    row.node.style.gridRow = this.slots.get(data.slot);
    setText(row.method, data.title);
    setText(row.delta, data.delta ? data.delta[0] : "");
    row.delta.className = "delta " + (data.delta ? data.delta[1] : "");
    row.delta.title = data.delta ? data.delta[2] : "";
    setText(row.special, data.special ? data.special[0] : "");
    row.special.title = data.special ? data.special[1] : "";
    row.special.hidden = !data.special;
    row.ends.hidden = !(this.data.scale.per_method && data.ends);
    if (!row.ends.hidden) {
      setText(row.limit, (data.signed ? "\u00b1" : "") + data.ends[1].replace("+", ""));
      row.bar.className = data.signed ? "signed" : "unsigned";
    }
    setText(row.warning, data.warning || "");
    row.warning.hidden = !data.warning;
    setText(row.reason, data.reason || "");
    row.reason.hidden = !data.reason;
    if (!row.card.hidden) this.fillCard(row);
    row.mass = (data.v || []).reduce((sum, v) => sum + Math.abs(v), 0) || 1;
    const steps = data.q || [];
    row.map.hidden = !steps.length;
    if (row.count !== steps.length) {
      row.count = steps.length;
      row.words = this.fill(row.map, steps.length, "w");
      row.map.classList.toggle("long", steps.length > LONG);
    }
    row.map.setAttribute("aria-label", data.summary || "");
    row.words.forEach((word, i) => (word.className = "w " + step(steps[i], data.signed) + flagClass(this.data.text[i][2])));
  },

  toggleCard(row) {
    const open = this.open !== row;
    this.closeCard();
    if (!open) return;
    this.open = row;
    row.card.hidden = false;
    row.method.setAttribute("aria-expanded", "true");
    this.fillCard(row);
  },

  closeCard() {
    if (!this.open) return;
    this.open.card.hidden = true;
    this.open.method.setAttribute("aria-expanded", "false");
    this.open = null;
  },

  fillCard(row) {
    row.card.replaceChildren();
    for (const [term, words] of this.data.cards[row.data.key] || [])
      row.card.append(make("dt", "", term), typeof words === "string" ? make("dd", "", words) : formula(words));
    row.card.append(make("dt", "", "Value"), make("dd", "", row.data.unit));
  },
};
