// The film player: which epoch is shown, and what moves it. Nothing is sent to Python.

const PLAYERS = new WeakMap();
const PACE = 1100; // ms an epoch at speed 1: the colours take 400 of them to change, the rest is for the eye

class Player {
  constructor(host) {
    const part = (name) => host.querySelector("." + name);
    for (const name of ["scope", "play", "back", "ahead", "slider", "epoch", "speed", "legend", "grid", "live"]) this[name] = part(name);
    this.bar = part("bar");
    this.panels = [];
    this.now = 1;
    this.timer = null;
    this.all = false;
    this.listen();
  }

  listen() {
    this.play.addEventListener("click", () => (this.timer ? this.pause() : this.start()));
    this.back.addEventListener("click", () => this.jump(this.now - 1));
    this.ahead.addEventListener("click", () => this.jump(this.now + 1));
    this.slider.addEventListener("input", () => this.jump(Number(this.slider.value)));
    this.grid.addEventListener("click", (event) => {
      const target = event.target.closest("[data-epoch]");
      if (target) this.jump(Number(target.dataset.epoch));
    });
    for (const [name, on] of [["pointerover", true], ["pointerout", false], ["focusin", true], ["focusout", false]])
      this.grid.addEventListener(name, (event) => {
        const word = event.target.closest("[data-i]");
        this.point(word && on ? Number(word.dataset.i) : null);
      });
  }

  update(data) {
    this.theme();
    const key = JSON.stringify(data);
    if (key === this.key) return;
    this.key = key;
    this.stop();
    this.data = data;
    this.bar.hidden = Boolean(data.empty);
    if (data.empty) {
      this.grid.replaceChildren(make("p", "say", data.empty));
      return;
    }
    // Another reader comes or goes: the same sentence stays at the epoch it was at.
    const same = JSON.stringify(data.text) === this.textKey;
    this.textKey = JSON.stringify(data.text);
    this.now = same ? Math.min(this.now, data.epochs) : 1;
    this.slider.max = data.epochs;
    this.drawLegend();
    this.build();
    this.show(this.now);
  }

  // ---- time ----------------------------------------------------------------------------------

  start() {
    if (this.now >= this.data.epochs) this.show(1);
    this.tick();
    setText(this.play, "❚❚ Pause");
  }

  tick() {
    this.timer = setTimeout(() => {
      // A page that was left takes its nodes along; its film must not go on for nobody.
      if (!this.scope.isConnected) return this.stop();
      this.show(this.now + 1);
      if (this.now >= this.data.epochs) this.pause();
      else this.tick();
    }, PACE / Number(this.speed.value));
  }

  stop() {
    clearTimeout(this.timer);
    this.timer = null;
    setText(this.play, this.data && this.now >= this.data.epochs ? "↺ Play again" : "▶ Play");
  }

  pause() {
    this.stop();
    this.say();
  }

  jump(epoch) {
    this.show(epoch);
    this.pause();
  }

  show(epoch) {
    this.now = Math.max(1, Math.min(this.data.epochs, epoch));
    this.slider.value = this.now;
    this.slider.setAttribute("aria-valuetext", `epoch ${this.now} of ${this.data.epochs}`);
    this.slider.style.setProperty("--done", `${(100 * (this.now - 1)) / Math.max(1, this.data.epochs - 1)}%`);
    setText(this.epoch, `epoch ${this.now} of ${this.data.epochs}`);
    this.back.disabled = this.now <= 1;
    this.ahead.disabled = this.now >= this.data.epochs;
    this.panels.forEach((panel) => this.frame(panel));
  }

  // What a person who does not see the colours is told, once the film stands still.
  say() {
    setText(this.live, `Epoch ${this.now}. ` + this.panels.map((panel) => this.at(panel).said).join("; "));
  }

  theme() {
    const colour = getComputedStyle(this.scope).getPropertyValue("--st-background-color").trim();
    const hex = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})/i.exec(colour);
    if (!hex) return;
    const [r, g, b] = hex.slice(1).map((c) => parseInt(c, 16));
    this.scope.style.colorScheme = 0.299 * r + 0.587 * g + 0.114 * b < 128 ? "dark" : "light";
  }
}

Object.assign(Player.prototype, screen);

export default function (component) {
  const { data, parentElement } = component;
  const host = parentElement.querySelector(".scope");
  let player = PLAYERS.get(host);
  if (!player) PLAYERS.set(host, (player = new Player(parentElement)));
  player.update(data);
}
