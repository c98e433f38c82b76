// One word, everywhere: hover, focus, keys and clicks.

const pointing = {
  accept(selected) {
    // A rerun may still carry an older choice than the one just made; the newest click wins.
    if (this.pending && this.pending.value !== selected && Date.now() - this.pending.at < WAIT) return;
    this.pending = null;
    this.selected = selected;
    if (selected !== null) this.moveCursor(selected, false);
  },

  mark() {
    this.cells.forEach((group, i) =>
      group.forEach((word) => {
        word.classList.toggle("on", i === this.selected);
        word.classList.toggle("hot", i === this.hot && i !== this.selected);
      })
    );
    this.words.forEach((word, i) => word.setAttribute("aria-selected", String(i === this.selected)));
    this.readOut();
  },

  warm(index) {
    if (index === this.hot) return;
    const flip = (i, on) => (this.cells[i] || []).forEach((word) => word.classList.toggle("hot", on && i !== this.selected));
    flip(this.hot, false);
    this.hot = index;
    flip(index, true);
    this.readOut();
  },

  place(values, i) {
    const size = Math.abs(values[i]);
    return 1 + values.reduce((n, v) => n + (Math.abs(v) > size ? 1 : 0), 0);
  },

  readOut() {
    const i = this.hot ?? this.selected;
    for (const panel of this.panels.values())
      for (const row of panel.rows.values()) {
        const { v } = row.data;
        const shown = v && i !== null && i < v.length;
        row.read.replaceChildren();
        if (shown) row.read.append(make("b", "", format(v[i])), ` \u00b7 ${percent(v[i] / row.mass)} \u00b7 #${this.place(v, i)}`);
      }
  },

  select(index) {
    if (!this.data.interactive) return;
    const value = index === this.selected ? null : index;
    this.pending = { value, at: Date.now() };
    this.selected = value;
    this.mark();
    if (value !== null) this.reveal(value);
    setText(this.live, value === null ? "no word selected" : `${this.data.text[value][1]} selected`);
    this.send(value);
  },

  reveal(index) {
    for (const word of this.cells[index]) {
      const box = word.parentElement;
      const top = word.offsetTop - box.scrollTop;
      if (box.scrollHeight > box.clientHeight + 4 && (top < 0 || top > box.clientHeight - 30))
        box.scrollTop = word.offsetTop - box.clientHeight / 2;
    }
  },

  moveCursor(index, focus) {
    const old = this.words[this.cursor];
    if (old) old.tabIndex = -1;
    this.cursor = index;
    const word = this.words[index];
    if (!word) return;
    word.tabIndex = 0;
    if (focus) word.focus();
  },

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
  },

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
  },

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
  },

  leave() {
    this.hideTip();
    this.warm(null);
  },

  hideTip() {
    this.tip.hidden = true;
  },

  showTip(word, index) {
    const row = this.rowOf(word);
    if (!row || !row.data.v) return this.hideTip();
    const { v, title, unit } = row.data;
    this.tip.replaceChildren(
      make("b", "", [this.data.text[index][1], ...flagWords(this.data.text[index][2].replace(/[udms]/g, ""))].join(", ")),
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
  },

  rowOf(word) {
    for (const panel of this.panels.values())
      for (const row of panel.rows.values()) if (row.map === word.parentElement) return row;
    return null;
  },
};
