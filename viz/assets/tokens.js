// Draws the payload of viz/panels.py. Everything that comes from data is set with textContent.
// Nodes are kept between reruns (keyed by reader and method), so focus and scroll stay.

const VIEWS = new WeakMap();
const LONG = 90;
const WAIT = 1500;

const make = (name, className, text) => {
  const node = document.createElement(name);
  if (className) node.className = className;
  if (text !== undefined && text !== null) node.textContent = text;
  return node;
};

const setText = (node, text) => {
  if (node.textContent !== text) node.textContent = text;
};

const format = (v) => {
  if (v === 0) return "0";
  const size = Math.abs(v);
  let text = size && (size < 0.0005 || size >= 10000) ? v.toExponential(1).replace("+", "") : v.toFixed(size < 100 ? 3 : 0);
  if (Number(text) === 0) text = text.replace("-", "");
  return text.replaceAll("-", "\u2212");
};

const percent = (share) => {
  const s = 100 * share;
  const size = Math.abs(s);
  const text = size === 0 ? "0" : size < 0.05 ? "<0.1" : size < 9.95 ? s.toFixed(1) : s.toFixed(0);
  return text.replace("-", "\u2212") + "\u202f%";
};

// [["", "a"], ["sub", "i"]] as text with real subscripts.
const formula = (segments) => {
  const node = make("dd", "formula");
  for (const [kind, text] of segments) node.append(kind ? make(kind, "", text) : text);
  return node;
};

const step = (q, signed) => (q === 0 ? "z" : (signed ? (q > 0 ? "p" : "n") : "u") + Math.abs(q));

const flagNames = { u: "not in the vocabulary", d: "deleted", m: "masked", s: "special" };
const flagClass = (flags) => [...flags].map((f) => " f-" + f).join("");

class View {
  constructor(host) {
    this.host = host;
    const part = (name) => host.querySelector("." + name);
    this.scope = part("scope");
    this.source = part("source");
    this.legend = part("legend");
    this.grid = part("grid");
    this.tip = part("tip");
    this.live = part("live");
    this.panels = new Map();
    this.words = [];
    this.cells = [];
    this.hot = null;
    this.open = null;
    this.cursor = 0;
    this.selected = null;
    this.pending = null;
    this.tall = make("button", "tall", "Show whole maps");
    this.tall.type = "button";
    this.listen();
  }

  // ---- what is drawn -------------------------------------------------------------------------

  update(data, send) {
    this.data = data;
    this.send = send;
    this.theme();
    this.hideTip();
    this.hot = null;
    if (data.empty) {
      this.source.replaceChildren(make("p", "say", data.empty));
      this.legend.replaceChildren();
      this.grid.replaceChildren();
      this.panels.clear();
      this.words = [];
      this.textKey = null;
      return;
    }
    this.drawText();
    this.drawLegend();
    this.drawPanels();
    this.accept(data.selected);
    this.cells = this.words.map((word) => [word]);
    for (const panel of this.panels.values())
      for (const row of panel.rows.values())
        row.words.forEach((word, i) => this.cells[i] && this.cells[i].push(word));
    this.mark();
  }

  theme() {
    const colour = getComputedStyle(this.scope).getPropertyValue("--st-background-color").trim();
    const hex = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})/i.exec(colour);
    if (!hex) return;
    const [r, g, b] = hex.slice(1).map((c) => parseInt(c, 16));
    this.scope.style.colorScheme = 0.299 * r + 0.587 * g + 0.114 * b < 128 ? "dark" : "light";
  }

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
  }

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
      word.setAttribute("aria-label", [text[i][1], ...[...flags].map((f) => flagNames[f])].join(", "));
    });
    const notes = [];
    if (note) notes.push(make("span", "", note));
    for (const flag of "udms") {
      if (!seen.has(flag)) continue;
      const item = make("span");
      item.append(make("span", "w f-" + flag, "word"), " " + flagNames[flag]);
      notes.push(item);
    }
    if (this.data.interactive && text.length) notes.unshift(make("span", "", "Click a word to follow it through every map."));
    if (text.length > LONG) notes.push(this.tall);
    this.aside.replaceChildren(...notes);
  }

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
  }

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
  }

  order(parent, nodes) {
    nodes.forEach((node, i) => {
      if (parent.children[i] !== node) parent.insertBefore(node, parent.children[i] || null);
    });
    while (parent.children.length > nodes.length) parent.lastChild.remove();
  }

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
  }

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
    setText(panel.speaks, `${signed ? "For or against" : "About"} \u201c${reader.target}\u201d${reader.predicted ? ", the predicted class" : ""}`);
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
  }

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
  }

  newRow() {
    const node = make("section", "row");
    const head = make("div", "rowhead");
    const method = make("button", "method");
    method.type = "button";
    method.setAttribute("aria-expanded", "false");
    const delta = make("span", "delta");
    const ends = make("span", "key");
    const bar = make("i");
    const limit = make("span");
    ends.append(bar, limit);
    const read = make("span", "read");
    head.append(method, delta, ends, read);
    const card = make("dl", "card");
    card.hidden = true;
    const warning = make("p", "say warn");
    const map = make("div", "map");
    map.setAttribute("role", "img");
    const reason = make("p", "say");
    node.append(head, card, map, reason, warning);
    const row = { node, method, delta, ends, bar, limit, read, card, warning, map, reason, words: [], count: -1 };
    method.addEventListener("click", () => this.toggleCard(row));
    return row;
  }

  fillRow(row, data) {
    row.data = data;
    row.node.style.gridRow = this.slots.get(data.slot);
    setText(row.method, data.title);
    setText(row.delta, data.delta ? data.delta[0] : "");
    row.delta.className = "delta " + (data.delta ? data.delta[1] : "");
    row.delta.title = data.delta ? data.delta[2] : "";
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
  }

  toggleCard(row) {
    const open = this.open !== row;
    this.closeCard();
    if (!open) return;
    this.open = row;
    row.card.hidden = false;
    row.method.setAttribute("aria-expanded", "true");
    this.fillCard(row);
  }

  closeCard() {
    if (!this.open) return;
    this.open.card.hidden = true;
    this.open.method.setAttribute("aria-expanded", "false");
    this.open = null;
  }

  fillCard(row) {
    row.card.replaceChildren();
    for (const [term, words] of this.data.cards[row.data.key] || [])
      row.card.append(make("dt", "", term), typeof words === "string" ? make("dd", "", words) : formula(words));
    row.card.append(make("dt", "", "Value"), make("dd", "", row.data.unit));
  }

  // ---- one word, everywhere ------------------------------------------------------------------

  accept(selected) {
    // A rerun may still carry an older choice than the one just made; the newest click wins.
    if (this.pending && this.pending.value !== selected && Date.now() - this.pending.at < WAIT) return;
    this.pending = null;
    this.selected = selected;
    if (selected !== null) this.moveCursor(selected, false);
  }

  mark() {
    this.cells.forEach((group, i) =>
      group.forEach((word) => {
        word.classList.toggle("on", i === this.selected);
        word.classList.toggle("hot", i === this.hot && i !== this.selected);
      })
    );
    this.words.forEach((word, i) => word.setAttribute("aria-selected", String(i === this.selected)));
    this.readOut();
  }

  warm(index) {
    if (index === this.hot) return;
    const flip = (i, on) => (this.cells[i] || []).forEach((word) => word.classList.toggle("hot", on && i !== this.selected));
    flip(this.hot, false);
    this.hot = index;
    flip(index, true);
    this.readOut();
  }

  place(values, i) {
    const size = Math.abs(values[i]);
    return 1 + values.reduce((n, v) => n + (Math.abs(v) > size ? 1 : 0), 0);
  }

  readOut() {
    const i = this.hot ?? this.selected;
    for (const panel of this.panels.values())
      for (const row of panel.rows.values()) {
        const { v } = row.data;
        const shown = v && i !== null && i < v.length;
        row.read.replaceChildren();
        if (shown) row.read.append(make("b", "", format(v[i])), ` \u00b7 ${percent(v[i] / row.mass)} \u00b7 #${this.place(v, i)}`);
      }
  }

  select(index) {
    if (!this.data.interactive) return;
    const value = index === this.selected ? null : index;
    this.pending = { value, at: Date.now() };
    this.selected = value;
    this.mark();
    if (value !== null) this.reveal(value);
    setText(this.live, value === null ? "no word selected" : `${this.data.text[value][1]} selected`);
    this.send(value);
  }

  reveal(index) {
    for (const word of this.cells[index]) {
      const box = word.parentElement;
      const top = word.offsetTop - box.scrollTop;
      if (box.scrollHeight > box.clientHeight + 4 && (top < 0 || top > box.clientHeight - 30))
        box.scrollTop = word.offsetTop - box.clientHeight / 2;
    }
  }

  moveCursor(index, focus) {
    const old = this.words[this.cursor];
    if (old) old.tabIndex = -1;
    this.cursor = index;
    const word = this.words[index];
    if (!word) return;
    word.tabIndex = 0;
    if (focus) word.focus();
  }

  lineStep(index, way) {
    // The word nearest in the line above or below, as a text cursor would move.
    const from = this.words[index].getBoundingClientRect();
    const x = from.left + from.width / 2;
    let best = null;
    for (let i = index + way; i >= 0 && i < this.words.length; i += way) {
      const box = this.words[i].getBoundingClientRect();
      const line = Math.round((way * (box.top - from.top)) / from.height);
      if (line < 1) continue;
      if (best && line > best.line) break;
      const off = Math.abs(box.left + box.width / 2 - x);
      if (!best || off < best.off) best = { i, off, line };
    }
    return best ? best.i : index;
  }

  // ---- events --------------------------------------------------------------------------------

  listen() {
    const indexOf = (event) => {
      const word = event.target.closest ? event.target.closest(".w[data-i]") : null;
      return word ? Number(word.dataset.i) : null;
    };
    this.scope.addEventListener("pointerover", (event) => {
      const index = indexOf(event);
      if (index === null) return this.leave();
      this.warm(index);
      this.showTip(event.target.closest(".w"), index);
    });
    this.scope.addEventListener("pointerleave", () => this.leave());
    this.tall.addEventListener("click", () => {
      const whole = this.scope.classList.toggle("whole");
      setText(this.tall, whole ? "Shorten maps" : "Show whole maps");
    });
    this.scope.addEventListener("click", (event) => {
      if (!event.target.closest(".card, .method")) this.closeCard();
      const index = indexOf(event);
      if (index === null) return;
      this.moveCursor(index, false);
      this.select(index);
    });
    this.source.addEventListener("focusin", (event) => {
      const index = indexOf(event);
      if (index !== null && event.target.matches(":focus-visible")) this.warm(index);
    });
    this.source.addEventListener("focusout", () => this.leave());
    this.source.addEventListener("keydown", (event) => this.key(event, indexOf(event)));
    this.scope.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      this.hideTip();
      this.closeCard();
    });
  }

  key(event, index) {
    if (index === null || event.altKey || event.ctrlKey || event.metaKey) return;
    const last = this.words.length - 1;
    const forward = this.data.dir === "rtl" ? -1 : 1;
    const moves = {
      ArrowRight: () => index + forward,
      ArrowLeft: () => index - forward,
      ArrowDown: () => this.lineStep(index, 1),
      ArrowUp: () => this.lineStep(index, -1),
      Home: () => 0,
      End: () => last,
    };
    if (event.key in moves) this.moveCursor(Math.min(last, Math.max(0, moves[event.key]())), true);
    else if (event.key === "Enter" || event.key === " ") this.select(index);
    else if (event.key === "Escape" && this.selected !== null) this.select(this.selected);
    else return;
    event.preventDefault();
  }

  leave() {
    this.hideTip();
    this.warm(null);
  }

  hideTip() {
    this.tip.hidden = true;
  }

  showTip(word, index) {
    const row = this.rowOf(word);
    if (!row || !row.data.v) return this.hideTip();
    const { v, title, unit } = row.data;
    this.tip.replaceChildren(
      make("b", "", this.data.text[index][1]),
      make("span", "", `${title}: ${format(v[index])}`),
      make("span", "", `${percent(v[index] / row.mass)} of absolute mass, rank ${this.place(v, index)} of ${v.length}`),
      make("span", "unit", unit)
    );
    this.tip.hidden = false;
    const frame = this.scope.getBoundingClientRect();
    const box = word.getClientRects()[0];
    const left = Math.min(box.left - frame.left, frame.width - this.tip.offsetWidth - 4);
    let top = box.top - frame.top - this.tip.offsetHeight - 8;
    if (top + frame.top < 8) top = box.bottom - frame.top + 8;
    this.tip.style.left = `${Math.max(0, left)}px`;
    this.tip.style.top = `${top}px`;
  }

  rowOf(word) {
    for (const panel of this.panels.values())
      for (const row of panel.rows.values()) if (row.map === word.parentElement) return row;
    return null;
  }
}

export default function (component) {
  const { data, parentElement, setStateValue } = component;
  const host = parentElement.querySelector(".scope");
  let view = VIEWS.get(host);
  if (!view) VIEWS.set(host, (view = new View(parentElement)));
  view.update(data, (index) => setStateValue("selected", index));
}
